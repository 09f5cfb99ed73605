"""Scenarios on the engine of the load generator: steps and endings are each in their own count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from faulty_server import OK, Serve, good, reset

from onair.adapters.load_scenario import run_scenario
from onair.core.finding import OnairError
from onair.core.scenario import Ending, Reply, ScenarioPlan, Visit

pytestmark = pytest.mark.integration


class Twice:
    """Asks one target, thinks, and asks the other."""

    def __init__(self, judge: Callable[[Reply, Reply], Ending], patience: float | None = None) -> None:
        self.judge, self.patience, self.numbers = judge, patience, list[int]()

    async def play(self, visit: Visit) -> Ending:
        self.numbers.append(visit.number)
        first = await visit.ask("first", "a", "GET", "/", headers={}, patience=self.patience)
        await visit.pause(0.01)
        second = await visit.ask("second", "b", "POST", "/", headers={"x": "y"}, body={"n": 1})
        assert visit.elapsed >= 0.01
        return self.judge(first, second)


def test_each_step_and_each_ending_is_counted(serve: Serve) -> None:
    async def resets(number: int, _: int, writer: asyncio.StreamWriter) -> bool:
        if number % 4:
            writer.write(OK)
            return True
        reset(writer)
        return False

    a, b = serve(good), serve(resets)
    scenario = Twice(lambda first, second: Ending("lost", ok=False) if second.lost else Ending(first.body.decode()))
    result = run_scenario(
        ScenarioPlan(
            targets={"a": a.url.rstrip("/"), "b": b.url.rstrip("/")}, rate=50, requests=40, viewers=4, max_lag=60
        ),
        scenario,
    )
    assert scenario.numbers == list(range(40))
    assert {name: seen.count for name, seen in result.arrivals.outcomes.items()} == {"hello": 30, "lost": 10}
    assert (result.arrivals.ok, result.arrivals.failed) == (30, 10)
    assert list(result.steps) == ["first", "second"]
    assert {name: seen.count for name, seen in result.steps["second"].outcomes.items()} == {"http-200": 30, "reset": 10}
    assert (result.steps["first"].ok, result.steps["first"].regions["kr"].count) == (40, 40)
    assert result.arrivals.response.p50 > 10, "an arrival takes as long as its steps and pauses"
    assert result.steps["first"].response.p50 < result.arrivals.response.p50
    assert result.arrivals.opened == a.connections + b.connections


def test_who_hangs_up_says_nothing_of_the_target(serve: Serve) -> None:
    async def slow(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(1)
        writer.write(OK)
        return True

    a, b = serve(slow), serve(good)
    scenario = Twice(lambda first, _: Ending(first.outcome), patience=0.1)
    plan = ScenarioPlan(
        targets={"a": a.url.rstrip("/"), "b": b.url.rstrip("/")}, rate=50, requests=10, viewers=2, max_lag=60
    )
    result = run_scenario(plan, scenario)
    assert result.arrivals.outcomes["hung-up"].count == 10
    first = result.steps["first"]
    assert (first.sent, first.failed, first.not_sent) == (0, 0, 10)


def test_a_fault_of_the_scenario_s_own_is_an_ending(serve: Serve) -> None:
    def broken(*_: Reply) -> Ending:
        raise KeyError("state")

    url = serve(good).url.rstrip("/")
    result = run_scenario(ScenarioPlan(targets={"a": url, "b": url}, rate=50, requests=5, max_lag=60), Twice(broken))
    assert result.arrivals.outcomes["scenario-fault"].count == result.arrivals.failed == 5
    assert result.arrivals.failures[0].detail == "KeyError('state')"


def test_no_scenario_goes_outside(serve: Serve) -> None:
    plan = ScenarioPlan(targets={"a": serve(good).url.rstrip("/"), "b": "http://192.0.2.1:80"}, rate=50, requests=5)
    with pytest.raises(OnairError, match="outside the project's networks"):
        run_scenario(plan, Twice(lambda *_: Ending("ok")))


def test_a_late_arrival_happens_all_the_same_where_the_plan_says_so(serve: Serve) -> None:
    class Blocks(Twice):
        async def play(self, visit: Visit) -> Ending:
            if visit.number == 0:
                time.sleep(1.5)  # the client itself stands still
            return await super().play(visit)

    url = serve(good).url.rstrip("/")
    plan = ScenarioPlan(targets={"a": url, "b": url}, rate=50, requests=60)
    strict = run_scenario(plan, Blocks(lambda *_: Ending("ok")))
    assert strict.arrivals.outcomes["client-overload"].count > 10
    patient = run_scenario(plan.model_copy(update={"max_lag": 60.0}), Blocks(lambda *_: Ending("ok")))
    assert patient.arrivals.outcomes["ok"].count == 60
    assert patient.arrivals.saturated, "late all the same, and it says so"
