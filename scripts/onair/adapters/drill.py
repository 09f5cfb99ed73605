"""Runs a drill: traffic, fault, what must be seen, healing, and the verdict of the clients' logs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from onair.core.drill.moves import Expectation, Fault
from onair.core.drill.plan import Drill
from onair.core.drill.result import Event, Run, Seen, breaches, seen
from onair.core.finding import OnairError
from onair.core.load_result import Measured
from onair.core.progress import Reporter, Step
from onair.core.purchase import Attempt
from onair.core.viewer.plan import Activity, Region, ViewersResult

STEADY_SECONDS = 10.0
"""Traffic before the fault, and after all is well again."""
LOOK_SECONDS = 0.25


class Traffic(Protocol):
    """Load that runs; its result once it was stopped."""

    @property
    def running(self) -> bool:
        """Whether it still sends."""
        ...

    def stop(self) -> Measured:
        """End it and return what it measured."""
        ...


class Crowd(Protocol):
    """Viewers who come in; what they noticed once no more do."""

    @property
    def running(self) -> bool:
        """Whether more come."""
        ...

    def stop(self) -> ViewersResult:
        """Let nobody more come, and return what was noticed."""
        ...


class Goods(Protocol):
    """What is on sale during a drill."""

    def close(self) -> None:
        """Sell no more of it."""
        ...

    def count(self, purchases: Sequence[Attempt]) -> dict[str, int]:
        """Wait until nothing is open; returns breaches of each invariant by the books and these buyers' logs."""
        ...


class World(Protocol):
    """What a drill is run on."""

    commit: str
    machine: str

    def load(self, viewers: str, rate: float) -> Traffic:
        """Start traffic of a region's viewers; the first request is due on return."""
        ...

    def visit(self, viewers: Region, rate: float) -> Crowd:
        """Let a region's viewers come in; the first is due on return."""
        ...

    def sell(self) -> Goods:
        """Open a sale for them."""
        ...

    def inject(self, fault: Fault) -> str:
        """Do it; returns what exactly was done."""
        ...

    def heal(self) -> None:
        """Undo every fault; to be called at any time, and twice."""
        ...

    def look(self, expected: Expectation) -> bool | str:
        """Return True where it is so, else what is there instead."""
        ...

    def shoot(self, drill: str, moment: str) -> dict[str, str]:
        """Take pictures of each region's page; returns their files by a name."""
        ...


def run(drill: Drill, world: World, reporter: Reporter, steady: float = STEADY_SECONDS) -> Run:
    """Run a drill once; whatever happens, the platform is healed.

    Parameters
    ----------
    steady
        Seconds of traffic before the fault, and after all is well again.

    Raises
    ------
    OnairError
        If a fault cannot be injected, or the platform not be healed.
    """
    spec = drill.spec
    with (
        _prepared(drill, world, reporter),
        reporter.step(drill.name) as step,
        _traffic(drill, world) as traffic,
    ):
        chronicle = _Chronicle(world, reporter, step)
        interrupted, screens = _play(drill, world, chronicle, steady)
        pages = {viewers: load.stop() for viewers, load in traffic.pages.items()}
        crowds = {viewers: crowd.stop() for viewers, crowd in traffic.crowds.items()}
        asked = sum(found.sent for found in pages.values())
        came = sum(found.sessions.due for found in crowds.values())
        step.done(f"{asked:,} requests, {came:,} viewers")
    books = None
    if traffic.goods and not interrupted:
        with reporter.step("the books"):
            books = traffic.goods.count([each for found in crowds.values() for each in found.purchases])
    events = chronicle.events
    fault, heal = (next((e.at for e in events if e.kind == kind), 0.0) for kind in ("fault", "heal"))

    def met(found: Measured, rate: float) -> Seen:
        return seen(found, rate, fault, heal, chronicle.began)

    viewers = {name: met(found, spec.traffic[name]) for name, found in pages.items()}
    sessions: dict[str, dict[Activity, Seen]] = {
        name: {activity: met(each, spec.sessions[name]) for activity, each in found.activities.items()}
        for name, found in crowds.items()
    }
    return Run(
        drill=drill.name,
        started_at=chronicle.began,
        commit=world.commit,
        machine=world.machine,
        events=events,
        viewers=viewers,
        sessions=sessions,
        books=books,
        breaches=[] if interrupted else breaches(events, viewers, spec.bounds, sessions, books),
        screens=screens,
        interrupted=interrupted,
    )


@contextmanager
def _prepared(drill: Drill, world: World, reporter: Reporter) -> Iterator[None]:
    """Do what the drill begins with; whatever fails then is healed, as no fault was injected yet that would be."""
    if not drill.spec.before:
        yield
        return
    try:
        for each in drill.spec.before:
            with reporter.step(f"before: {each}") as step:
                step.done(world.inject(each))
        yield
    except BaseException:
        world.heal()
        raise


def _play(drill: Drill, world: World, chronicle: _Chronicle, steady: float) -> tuple[bool, dict[str, str]]:
    """Break, watch, heal, watch; returns whether it was interrupted, and the pictures that were taken."""
    spec, screens = drill.spec, dict[str, str]()

    def shoot(moment: str) -> None:
        if spec.screens:
            screens.update(world.shoot(drill.name, moment))

    try:
        shoot("before")
        time.sleep(steady)
        fault = chronicle.tell("fault", "fault")
        for each in spec.faults:
            chronicle.tell("injected", str(each), world.inject(each))
        chronicle.watch(spec.during, fault)
        shoot("during")
        time.sleep(max(0.0, fault + spec.holdSeconds - chronicle.now))
    except KeyboardInterrupt:
        chronicle.tell("interrupted", "interrupted")
        return True, screens
    finally:
        heal = chronicle.tell("heal", "healing")
        world.heal()
    chronicle.watch(spec.after, heal)
    shoot("after")
    time.sleep(steady)
    return False, screens


class _Chronicle:
    """What happened, by the time since ``began`` (Unix time), when all traffic runs."""

    def __init__(self, world: World, reporter: Reporter, step: Step) -> None:
        self.events = list[Event]()
        self._world, self._reporter, self._step = world, reporter, step
        self._began, self.began = time.monotonic(), time.time()

    @property
    def now(self) -> float:
        """Seconds since the first request was due."""
        return time.monotonic() - self._began

    def tell(self, kind: str, what: str, detail: str = "") -> float:
        """Write down that something happened now; returns when."""
        self._add(Event(at=self.now, kind=kind, what=what, detail=detail))
        return self.events[-1].at

    def watch(self, expected: Sequence[Expectation], since: float) -> None:
        """Wait for each in turn, all from the same moment; of what does not come in time, the reason is kept."""
        for each in expected:
            self._step.note(f"waiting: {each}")
            while (found := self._look(each)) is not True and self.now < since + each.within:
                time.sleep(LOOK_SECONDS)
            at, seen_now = self.now, found is True
            took, detail = (at - since, "") if seen_now else (None, str(found))
            self._add(Event(at=at, kind="seen", what=str(each), took=took, bound=each.within, detail=detail))

    def _look(self, expected: Expectation) -> bool | str:
        try:
            return self._world.look(expected)
        except OnairError as error:
            return error.findings[0].what

    def _add(self, event: Event) -> None:
        self.events.append(event)
        took = "" if event.bound is None else ", not in time" if event.took is None else f" after {event.took:.1f} s"
        detail = f": {event.detail}" if event.detail else ""
        self._reporter.note(f"{event.at:6.1f} s  {event.what}{took}{detail}")


@dataclass
class _Traffic:
    """What runs behind a drill, by the viewers' region."""

    pages: dict[str, Traffic] = field(default_factory=dict)
    crowds: dict[Region, Crowd] = field(default_factory=dict)
    goods: Goods | None = None


@contextmanager
def _traffic(drill: Drill, world: World) -> Iterator[_Traffic]:
    """Run it; whatever happens, it ends, and the sale is closed."""
    spec, found = drill.spec, _Traffic()
    with ExitStack() as stack:
        if spec.sessions:
            found.goods = world.sell()
            stack.callback(found.goods.close)
        for geo, rate in spec.sessions.items():
            found.crowds[geo] = world.visit(geo, rate)
            stack.callback(_end, found.crowds[geo])
        for viewers, rate in spec.traffic.items():
            found.pages[viewers] = world.load(viewers, rate)
            stack.callback(_end, found.pages[viewers])
        yield found


def _end(traffic: Traffic | Crowd) -> None:
    if traffic.running:
        traffic.stop()
