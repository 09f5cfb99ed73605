"""``onair load``: arrivals that are single requests."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

from onair.adapters.interrupts import noted
from onair.adapters.load_client import Network, Request, Sessions, allowed, exchange, resolve, trust
from onair.adapters.load_engine import Arrive, Clock, Engine, OnTick
from onair.core.finding import Finding, OnairError
from onair.core.load import MAX_BODY, LoadPlan
from onair.core.load_result import Answer, LoadResult, Recorder

UUID = "{uuid}"


def run_load(
    plan: LoadPlan,
    on_tick: OnTick | None = None,
    *,
    networks: Sequence[Network] = (),
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
        Set it to end early; without one, Ctrl-C in the main thread does. The result then says ``interrupted``.
    on_start
        Called when the plan is checked and the first request is about to be due.

    Raises
    ------
    OnairError
        If the target does not resolve, lies outside ``networks``, or a file of the plan cannot be read.
    """
    fixed = plan.override()
    addresses = [fixed] if fixed else resolve(*plan.target)
    allowed(plan.url, addresses, networks)
    try:
        body = plan.body_file.read_bytes() if plan.body_file else None
        tls = trust(plan.url, plan.ca_certificate)
    except (OSError, ssl.SSLError) as error:
        raise OnairError(Finding(rule="load/file", what=f"cannot read a file of the plan: {error}")) from error
    if body and len(body) > MAX_BODY:
        raise OnairError(Finding(rule="load/body", what=f"{plan.body_file} is longer than {MAX_BODY} bytes"))
    recorder = Recorder(plan.interval)
    sessions = Sessions({plan.target[0]: addresses[0]}, tls, plan.timeout, recorder.connected)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Arrive]:
        async with contextlib.AsyncExitStack() as stack:
            made = sessions.make(plan.viewers, plan.connections)
            turns = itertools.cycle([await stack.enter_async_context(session) for session in made])

            async def arrive(_: int, due: float, clock: Clock) -> Answer:
                request = Request(plan.method, plan.url, headers(), body)
                return await exchange(next(turns), request, due, clock, None)

            yield arrive

    fixed_headers = dict(plan.headers)
    fresh = [name for name, value in plan.headers if UUID in value]

    def headers() -> dict[str, str]:
        if not fresh:
            return fixed_headers
        return fixed_headers | {name: fixed_headers[name].replace(UUID, uuid.uuid4().hex) for name in fresh}

    engine = Engine(plan, recorder, opened)
    engine.on_tick, engine.stop = on_tick, stop or engine.stop
    if on_start:
        on_start()
    with contextlib.nullcontext() if stop else noted(engine.stop):
        measured = asyncio.run(engine.run()).arrivals
    return LoadResult(plan=plan, **dict(measured))
