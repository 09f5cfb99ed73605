"""The load generator's engine: lets arrivals happen when the schedule says so, whatever the target does (open model).

What an arrival is, the caller says: one request, or a scenario of several. One thread, one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from onair.core.load import FAULT, OVERLOAD, UNFINISHED, ArrivalPlan, schedule
from onair.core.load_result import Answer, Measured, Recorder

GRACE_SECONDS = 2.0
"""After an interrupt, how long arrivals under way may still take."""
FIRST_DUE_SECONDS = 0.05
LONG_WAIT_SECONDS = 0.1
NICENESS = -19
"""The judge must not starve while what it judges uses every core; it takes a fraction of one (see benchmarks)."""


@dataclass(frozen=True)
class Tick:
    """Progress of a run, given to ``on_tick`` once an interval (seconds, counts, milliseconds)."""

    elapsed: float
    due: int
    ok: int
    failed: int
    not_sent: int
    in_flight: int
    p50: float
    p99: float
    outcomes: dict[str, int]


OnTick = Callable[[Tick], None]
Clock = Callable[[], float]
Arrive = Callable[[int, float, Clock], Awaitable[Answer]]
"""Carries an arrival out: its number, when it was due, and the run's clock (seconds since the run began)."""


@dataclass(frozen=True)
class Run:
    """What a run measured, and whether it was stopped before its end; ``span`` is `Recorder.measured`'s arguments."""

    arrivals: Measured
    span: tuple[float, float, float, bool]


class Engine:
    """One run of a plan.

    Parameters
    ----------
    opened
        Makes connections, and returns what carries an arrival out.
    """

    def __init__(
        self, plan: ArrivalPlan, recorder: Recorder, opened: Callable[[], AbstractAsyncContextManager[Arrive]]
    ) -> None:
        self.plan, self.recorder, self.opened = plan, recorder, opened
        self.on_tick: OnTick | None = None
        self.stop = threading.Event()
        self.under_way: dict[asyncio.Task[None], float] = {}
        self.started = 0.0

    async def run(self) -> Run:
        """Carry the plan out, to its end or until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        async with self.opened() as arrive:
            with _ahead_of_others():
                cpu = time.thread_time()
                self.started = loop.time() + FIRST_DUE_SECONDS
                started_at = time.time() + FIRST_DUE_SECONDS
                ticker = asyncio.create_task(self._tick())
                try:
                    await self._all(arrive)
                    await self._finish()
                finally:
                    ticker.cancel()
                span = (started_at, self.clock(), time.thread_time() - cpu, self.stop.is_set())
        return Run(self.recorder.measured(*span), span)

    def clock(self) -> float:
        """Return the seconds since the run began."""
        return asyncio.get_running_loop().time() - self.started

    async def _all(self, arrive: Arrive) -> None:
        loop = asyncio.get_running_loop()
        for number, due in enumerate(schedule(self.plan)):
            while (wait := self.started + due - loop.time()) > LONG_WAIT_SECONDS and not self.stop.is_set():
                await asyncio.sleep(LONG_WAIT_SECONDS)
            if self.stop.is_set():
                return
            # Even when late the loop gets its turn, or the answers would wait for the schedule.
            await asyncio.sleep(max(0.0, wait))
            late = self.clock() - due
            if late > self.plan.max_lag or len(self.under_way) >= self.plan.max_in_flight:
                self.recorder.add(Answer(due, due, due, OVERLOAD, ok=False))
                continue
            task = loop.create_task(self._one(arrive, number, due))
            self.under_way[task] = due
            task.add_done_callback(self.under_way.pop)

    async def _one(self, arrive: Arrive, number: int, due: float) -> None:
        sent = self.clock()
        try:
            answer = await arrive(number, due, self.clock)
        except Exception as error:  # a fault of ours in one arrival is an outcome too, or it would be in no count
            answer = Answer(due, sent, self.clock(), FAULT, ok=False, detail=repr(error)[:200])
        self.recorder.add(answer)

    async def _finish(self) -> None:
        """Wait for what is under way: to its own end, or shortly when the run was stopped."""
        deadline: float | None = None
        while self.under_way:
            await asyncio.wait(list(self.under_way), timeout=LONG_WAIT_SECONDS)
            if self.stop.is_set():
                deadline = deadline or time.monotonic() + GRACE_SECONDS
                if time.monotonic() > deadline:
                    break
        left = dict(self.under_way)
        for task, due in left.items():
            task.cancel()
            self.recorder.add(Answer(due, due, due, UNFINISHED, ok=False))
        await asyncio.gather(*left, return_exceptions=True)

    async def _tick(self) -> None:
        while self.on_tick:
            await asyncio.sleep(self.plan.interval)
            recorder, under_way = self.recorder, len(self.under_way)
            elapsed = self.clock()
            p50, p99 = recorder.latest(elapsed)
            counts = (recorder.due + under_way, recorder.ok, recorder.failed, recorder.not_sent, under_way)
            self.on_tick(Tick(elapsed, *counts, p50, p99, recorder.outcomes()))


@contextlib.contextmanager
def _ahead_of_others() -> Iterator[None]:
    """Raise this thread's priority where that is allowed; a process that leads its session raises the session's too."""
    thread, niceness = threading.get_native_id(), os.nice(0)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
        if os.getsid(0) == os.getpid():
            # With autogroups the kernel weighs sessions, and niceness only within one.
            Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, niceness)
