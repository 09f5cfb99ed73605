"""The load generator's engine: sends what the schedule says, when it says so, and records what became of it.

HTTP/1.1 by aiohttp without retries: a kept connection that dies under a request is a failed request, as a
viewer would see it. One thread, one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import aiohttp

from onair.adapters.load_client import Progress, classify, resolve, sessions
from onair.core.finding import Finding, OnairError
from onair.core.load import (
    MAX_BODY,
    MAX_LAG_SECONDS,
    OVERLOAD,
    UNFINISHED,
    LoadPlan,
    forbidden,
    schedule,
)
from onair.core.load_result import Answer, LoadResult, Recorder

GRACE_SECONDS = 2.0
"""After an interrupt, how long requests under way may still take."""
FIRST_DUE_SECONDS = 0.05
LONG_WAIT_SECONDS = 0.1
UUID = "{uuid}"
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


def run_load(
    plan: LoadPlan,
    on_tick: OnTick | None = None,
    *,
    networks: Sequence[IPv4Network | IPv6Network] = (),
    stop: threading.Event | None = None,
    on_start: Callable[[], None] | None = None,
) -> LoadResult:
    """Run a plan to its end; from any thread.

    Parameters
    ----------
    on_tick
        Called in the engine's thread; it delays requests while it runs.
    networks
        Where load may go besides loopback: the project's own pools.
    stop
        Set it to end early; in the main thread Ctrl-C does the same. The result then says ``interrupted``.

    on_start
        Called when the plan is checked and the first request is about to be due.

    Raises
    ------
    OnairError
        If the target does not resolve, lies outside ``networks``, or a file of the plan cannot be read.
    """
    addresses = resolve(plan)
    outside = forbidden(addresses, networks)
    if outside:
        allowed = ", ".join(["loopback", *map(str, networks)])
        raise OnairError(
            Finding(
                rule="load/target",
                what=f"{plan.url}: {', '.join(outside)} is outside the project's networks ({allowed})",
                why="load is only ever sent to the local platform",
                mend="give a loopback or platform address, or --resolve HOST:PORT:127.0.0.1",
            )
        )
    try:
        body = plan.body_file.read_bytes() if plan.body_file else None
        tls = ssl.create_default_context(cafile=plan.ca_certificate) if plan.url.startswith("https") else None
    except (OSError, ssl.SSLError) as error:
        raise OnairError(Finding(rule="load/file", what=f"cannot read a file of the plan: {error}")) from error
    if body and len(body) > MAX_BODY:
        raise OnairError(Finding(rule="load/body", what=f"{plan.body_file} is longer than {MAX_BODY} bytes"))
    engine = _Engine(plan, addresses[0], tls, body)
    engine.on_tick, engine.stop = on_tick, stop or engine.stop
    if on_start:
        on_start()
    return asyncio.run(engine.run())


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


class _Engine:
    def __init__(self, plan: LoadPlan, address: str, tls: ssl.SSLContext | None, body: bytes | None) -> None:
        self.plan, self.body = plan, body
        self.address, self.tls = address, tls
        self.on_tick: OnTick | None = None
        self.stop = threading.Event()
        self.recorder = Recorder(plan)
        self.under_way: dict[asyncio.Task[None], float] = {}
        self.headers = dict(plan.headers)
        self.fresh = [name for name, value in plan.headers if UUID in value]
        self.started = 0.0

    async def run(self) -> LoadResult:
        loop = asyncio.get_running_loop()
        main = threading.current_thread() is threading.main_thread()
        if main:
            loop.add_signal_handler(signal.SIGINT, self.stop.set)
            loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(_ahead_of_others())
            turns = itertools.cycle(
                [await stack.enter_async_context(s) for s in sessions(self.plan, self.address, self.tls, self._opened)]
            )
            cpu = time.thread_time()
            self.started = loop.time() + FIRST_DUE_SECONDS
            started_at = time.time() + FIRST_DUE_SECONDS
            ticker = asyncio.create_task(self._tick())
            try:
                await self._send_all(turns)
                await self._finish()
            finally:
                ticker.cancel()
                if main:
                    loop.remove_signal_handler(signal.SIGINT)
                    loop.remove_signal_handler(signal.SIGTERM)
            elapsed = loop.time() - self.started
            return self.recorder.result(started_at, elapsed, time.thread_time() - cpu, self.stop.is_set())

    def _opened(self) -> None:
        self.recorder.opened += 1

    async def _send_all(self, turns: Iterator[aiohttp.ClientSession]) -> None:
        loop = asyncio.get_running_loop()
        for due in schedule(self.plan):
            while (wait := self.started + due - loop.time()) > LONG_WAIT_SECONDS and not self.stop.is_set():
                await asyncio.sleep(min(wait, LONG_WAIT_SECONDS))
            if self.stop.is_set():
                return
            # Even when late the loop gets its turn, or the answers would wait for the schedule.
            await asyncio.sleep(max(0.0, wait))
            late = loop.time() - self.started - due
            if late > MAX_LAG_SECONDS or len(self.under_way) >= self.plan.max_in_flight:
                self.recorder.add(Answer(due, due, due, OVERLOAD, ok=False))
                continue
            task = loop.create_task(self._one(next(turns), due))
            self.under_way[task] = due
            task.add_done_callback(self.under_way.pop)

    async def _finish(self) -> None:
        """Wait for what is under way: to its own timeout, or shortly when the run was stopped."""
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

    async def _one(self, session: aiohttp.ClientSession, due: float) -> None:
        clock = asyncio.get_running_loop().time
        state = Progress()
        answer = Answer(due, clock() - self.started, 0.0, "", ok=False)
        try:
            async with session.request(
                self.plan.method,
                self.plan.url,
                headers=self._headers(),
                data=self.body,
                allow_redirects=False,
                trace_request_ctx=state,
            ) as response:
                state.phase = "body"
                answer.region = response.headers.get("x-onair-region", "")
                answer.version = response.headers.get("x-onair-version", "")
                answer.edge = response.headers.get("x-onair-edge", "")
                async for chunk in response.content.iter_any():
                    answer.received += len(chunk)
                answer.ok = response.status < 400
                answer.outcome = f"http-{response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            answer.outcome = classify(error, state.phase)
            answer.detail = f"{type(error).__name__}: {error}"[:200]
        answer.reused = state.reused
        answer.ended = clock() - self.started
        self.recorder.add(answer)

    def _headers(self) -> dict[str, str]:
        if not self.fresh:
            return self.headers
        return self.headers | {name: self.headers[name].replace(UUID, uuid.uuid4().hex) for name in self.fresh}

    async def _tick(self) -> None:
        while self.on_tick:
            await asyncio.sleep(self.plan.interval)
            recorder, under_way = self.recorder, len(self.under_way)
            elapsed = asyncio.get_running_loop().time() - self.started
            p50, p99 = recorder.latest(elapsed)
            counts = (recorder.due + under_way, recorder.ok, recorder.failed, recorder.not_sent, under_way)
            self.on_tick(Tick(elapsed, *counts, p50, p99, recorder.outcomes()))
