"""Refuses at once what a service could answer only when nobody waits for it any more.

Without it a rush that is a little more than a service can do ends in no answer at all: all requests grow older
together, the gateway gives each up after its time limit and asks again, and the service works for those who have left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from onair_common.asgi import LOAD, QUIET
from onair_common.refusals import refusal

LATE, LATE_SECONDS = 32, 1.0
"""So many requests in work for longer than half of what the gateway gives one (2 s, infrastructure/gateway/base/
traffic.yaml) are no slow request but a service that is behind."""


class Load:
    """Requests in work, the oldest first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}

    @property
    def behind(self) -> bool:
        """Whether one more request would wait longer than anybody waits for it."""
        since = next(islice(self._since.values(), LATE - 1, None), None)
        return since is not None and self._clock() - since > LATE_SECONDS

    def enter(self, scope: Scope) -> None:
        """Count a request from now on."""
        self._since[id(scope)] = self._clock()

    def leave(self, scope: Scope) -> None:
        """Count it no longer; harmless when it is not counted."""
        self._since.pop(id(scope), None)

    @contextmanager
    def aside(self, scope: Scope) -> Iterator[None]:
        """Count a request no longer while it waits for news."""
        self.leave(scope)
        try:
            yield
        finally:
            self.enter(scope)


class Shedding:
    """Passes requests on to the application while it keeps up, and refuses them (503, busy) while it is behind.

    Probes and figures are always answered. An answer that has begun is not counted: how long it takes is the client's.
    """

    def __init__(self, app: Starlette, load: Load | None = None) -> None:
        self._app, self._load = app, load or Load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self._app(scope, receive, send)
            return
        if self._load.behind:
            scope["app"] = self._app
            await refusal(HTTPConnection(scope), "busy")(scope, receive, send)
            return

        async def begun(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._load.leave(scope)
            await send(message)

        scope[LOAD] = self._load
        self._load.enter(scope)
        try:
            await self._app(scope, receive, begun)
        finally:
            self._load.leave(scope)
