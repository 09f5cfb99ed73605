"""Arrivals that play a scenario, on the engine of ``onair load``: each step and each ending is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from onair.adapters.interrupts import noted
from onair.adapters.load_client import Network, Request, Sessions, allowed, exchange, resolve, trust
from onair.adapters.load_engine import Arrive, Clock, Engine, OnTick
from onair.adapters.load_socket import shake_hands
from onair.core.finding import Finding, OnairError
from onair.core.load import HUNG_UP, host_and_port
from onair.core.load_result import Answer, Recorder
from onair.core.scenario import Reply, Scenario, ScenarioPlan, ScenarioResult, Socket

BROWSER_CONNECTIONS = 6
"""Of one browser to one host over HTTP/1.1, as Chromium and Firefox do; one more request waits, which counts."""


def run_scenario(
    plan: ScenarioPlan,
    scenario: Scenario,
    on_tick: OnTick | None = None,
    *,
    networks: Sequence[Network] = (),
    stop: threading.Event | None = None,
    on_start: Callable[[], None] | None = None,
) -> ScenarioResult:
    """Run a plan to its end; see `onair.adapters.load_http.run_load` for the parameters.

    Raises
    ------
    OnairError
        If a target does not resolve or lies outside ``networks``, or the authority's file cannot be read.
    """
    addresses: dict[str, str] = {}
    tls = None
    for url in plan.targets.values():
        host, port = host_and_port(url)
        found = resolve(host, port)
        allowed(url, found, networks)
        addresses[host] = found[0]
        try:
            tls = trust(url, plan.ca_certificate) or tls
        except (OSError, ssl.SSLError) as error:
            raise OnairError(Finding(rule="load/file", what=f"cannot read a file of the plan: {error}")) from error
    recorder, played = Recorder(plan.interval), _Played(plan)
    sessions = Sessions(addresses, tls, plan.timeout, recorder.connected, BROWSER_CONNECTIONS)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Arrive]:
        async with contextlib.AsyncExitStack() as stack:
            made = [await stack.enter_async_context(session) for session in sessions.make(plan.viewers)]

            async def arrive(number: int, due: float, clock: Clock) -> Answer:
                sent = clock()
                visit = _Visit(played, made[number % len(made)], number, due, clock)
                ending = await scenario.play(visit)
                return Answer(due, sent, clock(), ending.outcome, ok=ending.ok)

            yield arrive

    engine = Engine(plan, recorder, opened)
    engine.on_tick, engine.stop = on_tick, stop or engine.stop
    if on_start:
        on_start()
    with contextlib.nullcontext() if stop else noted(engine.stop):
        run = asyncio.run(engine.run())
    measured = {name: step.measured(*run.span) for name, step in sorted(played.steps.items())}
    return ScenarioResult(plan=plan, arrivals=run.arrivals, steps=measured)


@dataclass(frozen=True)
class _Played:
    """What all visits of a run share."""

    plan: ScenarioPlan
    steps: dict[str, Recorder] = field(default_factory=dict)


class _Visit:
    """See `onair.core.scenario.Visit`."""

    def __init__(self, run: _Played, session: aiohttp.ClientSession, number: int, due: float, clock: Clock) -> None:
        self._plan, self._steps, self._session = run.plan, run.steps, session
        self._due, self._clock, self.number = due, clock, number
        self.random = random.Random(f"{self._plan.seed} {number}")  # noqa: S311  (a repeatable run, no secret)

    @property
    def elapsed(self) -> float:
        return self._clock() - self._due

    async def ask(
        self,
        step: str,
        target: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: object = None,
        patience: float | None = None,
    ) -> Reply:
        raw = None if body is None else json.dumps(body).encode()
        request = Request(method, self._plan.targets[target] + path, {"accept-encoding": "identity", **headers}, raw)
        due, text = self._clock(), bytearray()
        try:
            async with asyncio.timeout(patience):
                answer = await exchange(self._session, request, due, self._clock, text)
        except TimeoutError:
            answer = Answer(due, due, self._clock(), HUNG_UP, ok=False)
        self._record(step, answer)
        status = int(code) if (code := answer.outcome.removeprefix("http-")).isdecimal() else 0
        return Reply(answer.outcome, status, bytes(text), answer.region, answer.cookies)

    async def connect(self, step: str, target: str, path: str, *, headers: Mapping[str, str]) -> Socket | None:
        url, due = self._plan.targets[target] + path, self._clock()
        answer, socket = await shake_hands(self._session, url, headers, self._clock, self._plan.timeout)
        answer.due = due
        self._record(step, answer)
        return socket

    def tell(self, step: str, outcome: str, *, since: float, ok: bool, region: str = "") -> None:
        due = self._due + since
        self._record(step, Answer(due, due, max(due, self._clock()), outcome, ok=ok, region=region))

    def _record(self, step: str, answer: Answer) -> None:
        self._steps.setdefault(step, Recorder(self._plan.interval)).add(answer)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
