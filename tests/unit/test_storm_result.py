"""When a storm is good, and what its last line says."""

from __future__ import annotations

import pytest

from onair.core.load_result import Answer, Recorder
from onair.core.storm.plan import SHORT
from onair.core.storm.report import markdown
from onair.core.storm.result import FaultRecord, StormResult, Totals
from onair.core.storm.verify import Verdict

TOTALS = Totals(issued=120, paid=100, held=2, lost=7, elsewhere=5, forwarded=1, moved=9, orders={"paid": 100})


def storm(*, counts: int = 0, attempts: int = 3, fault: bool = True, interrupted: bool = False) -> StormResult:
    recorder = Recorder(1.0)
    for number in range(attempts):
        recorder.add(Answer(number, number, number + 0.5, "paid", ok=True))
    return StormResult(
        plan=SHORT,
        prefix="storm-1",
        started_at=0,
        arrivals=recorder.measured(0.0, 10.0, 1.0, interrupted),
        steps={"hold": recorder.measured(0.0, 10.0, 1.0, interrupted)},
        faults=[FaultRecord(at=1.25, what="cut the link", outcome="inter-region", ok=fault)],
        totals=TOTALS,
        verdict=Verdict(
            counts={"oversold": counts, "unaudited": 0}, cases={"oversold": ["tea: 2 over"]} if counts else {}
        ),
        settled=3.0,
        interrupted=interrupted,
    )


def test_the_last_line_counts() -> None:
    assert storm().counts == "storm: 3 attempts at 0/s on 120 items: oversold 0, unaudited 0"


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"counts": 1}, False),
        ({"attempts": 0}, False),
        ({"fault": False}, False),
        ({"interrupted": True}, False),
    ],
)
def test_a_storm_is_good_when_it_came_whole_and_broke_nothing(changed: dict[str, int], good: bool) -> None:
    assert storm(**changed).good is good  # type: ignore[arg-type]


def test_the_report_tells_breaches_and_faults_that_failed() -> None:
    told = markdown(storm(counts=2, fault=False), "here")
    assert "| oversold | 2 |" in told
    assert "- oversold: tea: 2 over" in told
    assert "| 1.2 | cut the link | inter-region (failed) |" in told
    assert "| whole purchase | 3 | 0 | 0 | 0 | 500 |" in told
