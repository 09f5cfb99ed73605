"""The freeze: when it holds, for which clusters, and the way around it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from onair.core.change.data import read
from onair.core.change.freeze import FREEZE, Freeze, judge, windows

BOTH = {"prod-kr", "prod-us"}
SEOUL = {"name": "show", "days": ["tue"], "start": "19:30", "until": "22:00", "timezone": "Asia/Seoul"}
NIGHT = {"name": "night", "days": ["sat"], "start": "23:00", "until": "01:00", "timezone": "America/New_York"}


def calendar(**spec: Any) -> Freeze:
    content = {"apiVersion": "onair.dev/v1", "kind": "Freeze", "metadata": {"name": "freeze"}}
    return convert(content | {"spec": {"leadMinutes": 30, **spec}}, Freeze)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("show", "now", "frozen"),
    [
        (SEOUL, "2026-11-24T18:59:59+09:00", False),
        (SEOUL, "2026-11-24T19:00:00+09:00", True),
        (SEOUL, "2026-11-24T12:59:59+00:00", True),
        (SEOUL, "2026-11-24T13:00:00+00:00", False),
        (SEOUL, "2026-11-25T20:00:00+09:00", False),
        (NIGHT, "2026-11-28T22:30:00-05:00", True),
        (NIGHT, "2026-11-29T00:59:00-05:00", True),
        (NIGHT, "2026-11-29T01:00:00-05:00", False),
        (NIGHT, "2026-07-04T22:30:00-04:00", True),  # summer time
        (NIGHT, "2026-11-01T00:30:00-04:00", True),  # the night in which the clocks go back
    ],
)
def test_a_weekly_show_freezes_from_half_an_hour_before_until_its_end(show: Any, now: str, frozen: bool) -> None:  # noqa: ANN401
    assert bool(windows(calendar(weekly=[show]), at(now))) is frozen


def test_a_finding_names_show_end_clusters_and_the_way_around() -> None:
    (one,) = judge(calendar(weekly=[SEOUL]), BOTH, at("2026-11-24T20:00:00+09:00"))
    assert (one.rule, one.severity, one.file) == ("freeze/window", "error", FREEZE)
    assert "'show'" in one.what
    assert "2026-11-24T22:00+09:00" in one.what
    assert "prod-kr, prod-us" in one.what
    assert "Emergency: <reason>" in one.mend


def test_an_emergency_goes_ahead_and_is_on_record() -> None:
    (one,) = judge(calendar(weekly=[SEOUL]), BOTH, at("2026-11-24T20:00:00+09:00"), "checkout answers 500")
    assert one.severity == "warning"
    assert "checkout answers 500" in one.what


def test_only_what_changes_and_carries_the_show_is_frozen() -> None:
    now = at("2026-11-24T20:00:00+09:00")
    assert judge(calendar(weekly=[SEOUL]), set(), now) == []
    only = calendar(weekly=[{**SEOUL, "clusters": ["prod-kr"]}])
    assert judge(only, {"prod-us"}, now) == []
    assert len(judge(only, BOTH, now)) == 1


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.integers(0, 1440))
def test_a_daily_show_is_frozen_at_some_time_of_each_day_and_dates_are_exact(day: datetime, lead: int) -> None:
    start = day.replace(tzinfo=UTC)
    dated = calendar(leadMinutes=lead, dated=[{"name": "x", "start": start, "until": start + timedelta(hours=1)}])
    edge = timedelta(seconds=1)
    first, end = start - timedelta(minutes=lead), start + timedelta(hours=1)
    assert [bool(windows(dated, x)) for x in (first - edge, first, end - edge, end)] == [False, True, True, False]


@pytest.mark.parametrize(
    "broken",
    [
        {"weekly": [{**SEOUL, "start": 1170}]},  # 19:30 without quotes
        {"weekly": [{**SEOUL, "timezone": "Asia/Soul"}]},
        {"weekly": [{**SEOUL, "days": ["Tuesday"]}]},
        {"weekly": [{**SEOUL, "day": "tue"}]},
        {"dated": [{"name": "x", "start": "2026-11-27T00:00:00", "until": "2026-11-28T00:00:00"}]},  # whose midnight?
        {"dated": [{"name": "x", "start": "2026-11-28T00:00:00Z", "until": "2026-11-27T00:00:00Z"}]},
        {"leadMinutes": -1},
    ],
)
def test_a_calendar_that_cannot_be_read_is_a_finding(broken: Any) -> None:  # noqa: ANN401
    content = {"apiVersion": "onair.dev/v1", "kind": "Freeze", "metadata": {"name": "freeze"}}
    model, (first, *_) = read(Freeze, FREEZE, content | {"spec": {"leadMinutes": 30, **broken}})
    assert model is None
    assert (first.rule, first.file) == ("data/invalid", FREEZE)
    assert first.what.startswith("spec")


def test_a_missing_calendar_is_a_finding_not_a_free_pass() -> None:
    model, (one,) = read(Freeze, FREEZE, None)
    assert model is None
    assert one.rule == "data/invalid"


def test_the_repositorys_calendar_can_be_read(root: Path) -> None:
    model, faults = read(Freeze, FREEZE, yaml.safe_load((root / FREEZE).read_text()))
    assert faults == []
    assert model is not None
    assert len(windows(model, at("2026-11-27T12:00:00-05:00"))) == 1
