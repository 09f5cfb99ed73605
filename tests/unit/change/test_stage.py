"""Before a show there are more pods, by the calendar that the freeze goes by."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import yaml
from support import findings_of

from onair.core.change import data
from onair.core.change.freeze import FREEZE, Freeze
from onair.core.change.stage import wanted, with_replicas
from onair.core.facts import Stage
from onair.core.gate.naming import PLATFORM

ROOT = Path(__file__).resolve().parents[3]
STAGE = Stage(replicas=2, usual=2, show=4)
CALENDAR = {
    "apiVersion": "onair.dev/v1",
    "kind": "Freeze",
    "metadata": {"name": "freeze"},
    "spec": {
        "leadMinutes": 30,
        "weekly": [{"name": "Prime", "days": ["tue"], "start": "19:30", "until": "22:00", "timezone": "Asia/Seoul"}],
        "dated": [
            {"name": "Sale", "start": "2026-12-04T00:00:00+09:00", "until": "2026-12-04T03:00:00+09:00"},
        ],
    },
}


def calendar() -> Freeze:
    found, faults = data.read(Freeze, FREEZE, yaml.safe_load(yaml.safe_dump(CALENDAR)) | {"spec": spec()})
    assert found is not None, faults
    return found


def spec() -> dict[str, object]:
    dated = [{**each, **{key: datetime.fromisoformat(each[key]) for key in ("start", "until")}} for each in DATED]
    return {**CALENDAR["spec"], "dated": dated}  # type: ignore[dict-item]


DATED: list[dict[str, str]] = CALENDAR["spec"]["dated"]  # type: ignore[index,assignment]


@pytest.mark.parametrize(
    ("now", "pods", "why"),
    [
        ("2026-12-01T18:29+09:00", 2, "no show is near"),
        ("2026-12-01T18:30+09:00", 4, "Prime, until 2026-12-01T22:00+09:00"),
        ("2026-12-01T12:59+01:00", 4, "Prime"),
        ("2026-12-01T21:59+09:00", 4, "Prime"),
        ("2026-12-01T22:00+09:00", 2, "no show is near"),
        ("2026-12-03T23:00+09:00", 4, "Sale"),
        ("2026-12-04T03:00+09:00", 2, "no show is near"),
    ],
)
def test_the_calendar_decides(now: str, pods: int, why: str) -> None:
    replicas, reason = wanted(calendar(), STAGE, datetime.fromisoformat(now))
    assert replicas == pods
    assert why in reason


def test_only_the_number_changes() -> None:
    text = (ROOT / PLATFORM).read_text(encoding="utf-8")
    changed = with_replicas(text, 4)
    assert [(a, b) for a, b in zip(text.splitlines(), changed.splitlines(), strict=True) if a != b] == [
        ("  stage: {replicas: 2, usual: 2, show: 4}", "  stage: {replicas: 4, usual: 2, show: 4}")
    ]


def test_facts_without_a_stage_are_refused() -> None:
    (one,) = findings_of(lambda: with_replicas("spec: {}\n", 4))
    assert (one.rule, one.file) == ("prescale/facts", PLATFORM)
