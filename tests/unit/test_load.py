"""The schedule, the plan's bounds and what a recorder makes of answers."""

from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from onair.core.load import MAX_REQUESTS, LoadPlan, forbidden, schedule, seconds_of
from onair.core.load_result import Answer, Measured, Recorder

URL = "http://127.0.0.1:8080/"


@settings(deadline=None)
@given(rate=st.integers(1, 500), seconds=st.integers(1, 20))
def test_constant_schedule_has_rate_times_duration_arrivals(rate: int, seconds: int) -> None:
    due = list(schedule(LoadPlan(url=URL, rate=rate, duration=seconds)))
    assert len(due) == rate * seconds
    assert due[0] == 0
    assert due[-1] < seconds
    assert all(abs(b - a - 1 / rate) < 1e-9 for a, b in pairwise(due))


@settings(deadline=None)
@given(rate=st.floats(0.1, 1000), requests=st.integers(1, 300), kind=st.sampled_from(["constant", "poisson"]))
def test_requests_bound_the_schedule_and_time_never_goes_back(
    rate: float, requests: int, kind: Literal["constant", "poisson"]
) -> None:
    due = list(schedule(LoadPlan(url=URL, rate=rate, requests=requests, arrivals=kind)))
    assert len(due) == requests
    assert all(a <= b for a, b in pairwise(due))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.floats(50, 500))
def test_poisson_has_the_mean_and_spread_of_its_rate(seed: int, rate: float) -> None:
    plan = LoadPlan(url=URL, rate=rate, duration=20, arrivals="poisson", seed=seed)
    due = list(schedule(plan))
    expected = rate * 20
    assert abs(len(due) - expected) < 6 * expected**0.5
    gaps = [b - a for a, b in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    variance = sum((g - mean) ** 2 for g in gaps) / len(gaps)
    assert mean == pytest.approx(1 / rate, rel=0.2)
    assert variance**0.5 == pytest.approx(mean, rel=0.3)
    assert due == list(schedule(plan))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rate": 10000}, "less than or equal to 5000"),
        ({"duration": 7200}, "less than or equal to 3600"),
        ({"rate": 2000, "duration": 3600}, "more than 1,000,000 requests"),
        ({"rate": 0.1, "requests": 1000}, "last longer than"),
        ({"url": "file:///etc"}, "no http"),
        ({"resolve": "other:80:127.0.0.1"}, "not for 127.0.0.1:8080"),
        ({"viewers": 0}, "greater than or equal to 1"),
        ({"speed": 1}, "Extra inputs"),
    ],
)
def test_bounds(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LoadPlan.model_validate({"url": URL, **fields})


def test_plan_without_end_lasts_a_minute() -> None:
    assert len(list(schedule(LoadPlan(url=URL, rate=10)))) == 600
    assert MAX_REQUESTS == 1_000_000


@pytest.mark.parametrize(("text", "value"), [("500ms", 0.5), ("60s", 60), ("2m", 120), ("1h", 3600), ("1.5", 1.5)])
def test_durations(text: str, value: float) -> None:
    assert seconds_of(text) == value


def test_only_loopback_and_own_networks() -> None:
    pool = IPv4Network("10.60.0.0/14")
    assert forbidden(["127.0.0.9", "::1", "10.61.0.21"], [pool]) == []
    assert forbidden(["127.0.0.1", "10.64.0.1", "1.1.1.1"], [pool]) == ["10.64.0.1", "1.1.1.1"]


def test_argv_keeps_what_was_set() -> None:
    plan = LoadPlan(url=URL, rate=20, headers=(("a", "b"),), max_in_flight=7)
    words = plan.argv()
    assert words[0] == URL
    assert words[words.index("--rate") + 1] == "20.0"
    assert words[words.index("--max-in-flight") + 1] == "7"
    assert words[-2:] == ["--header", "a: b"]


def test_recorder_keeps_every_outcome() -> None:
    recorder = Recorder(interval=1.0)
    for second in range(3):
        for i in range(100):
            due = second + i / 100
            recorder.add(Answer(due, due, due + 0.010, "http-200", ok=True, reused=i > 0, region="kr", version="v1"))
    recorder.add(Answer(1.5, 1.5, 2.5, "reset", ok=False, reused=True, detail="gone"))
    recorder.add(Answer(2.9, 2.9, 2.9, "client-overload", ok=False))
    result = recorder.measured(started_at=1000.0, elapsed=3.0, cpu_seconds=0.3, interrupted=False)
    assert (result.due, result.sent, result.ok, result.failed, result.not_sent) == (302, 301, 300, 1, 1)
    assert result.due == result.sent + result.not_sent == sum(seen.count for seen in result.outcomes.values())
    assert result.outcomes["reset"].model_dump() == {"count": 1, "first": 1.5, "last": 1.5, "reused": 1}
    assert [(s.at, s.ok, s.failed, s.not_sent) for s in result.timeline] == [
        (0, 100, 0, 0),
        (1, 100, 1, 0),
        (2, 100, 0, 1),
    ]
    assert result.timeline[1].failures == {"reset": 1}
    assert result.timeline[0].regions == {"kr": 100}
    assert result.response.p50 == pytest.approx(10, rel=0.01)
    assert result.response.max == pytest.approx(1000, rel=0.01)
    assert result.client_cores == 0.1
    assert len(result.saturated) == 1
    assert Measured.model_validate_json(result.model_dump_json()) == result


def test_a_late_client_says_so() -> None:
    recorder = Recorder(interval=1.0)
    for i in range(100):
        recorder.add(Answer(i / 100, i / 100 + (0.2 if i < 2 else 0), i / 100 + 0.3, "http-200", ok=True))
    result = recorder.measured(started_at=0, elapsed=1, cpu_seconds=0.95, interrupted=False)
    assert ["late" in result.saturated[0], "0.95 of its one core" in result.saturated[1]] == [True, True]
