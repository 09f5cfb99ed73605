"""Reading another service's JSON by HTTP: ETag revalidation, and the last known answer when it is away."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from onair_common.calls import read

_log = structlog.get_logger("upstream")


class Unavailable(Exception):
    """The service is away and nothing is known from before."""


@dataclass
class Answer:
    """An answer of another service.

    Attributes
    ----------
    stale : bool
        True when the service could not be asked and this is what it said last.
    as_of : float
        Unix time in seconds at which the service last confirmed it.
    """

    body: Any
    stale: bool
    as_of: float


@dataclass
class _Known:
    body: Any
    etag: str
    as_of: float
    next_try: float
    stale: bool = False


class Upstream:
    """A JSON service that may be away.

    Parameters
    ----------
    fresh_seconds : float
        For so long an answer is used without asking again.
    retry_seconds : float
        While one request asks, and after a failure, the last known answer is used for so long without asking: of all
        requests, one a period waits for a dead service.
    max_known : int
        Answers kept; the longest unused goes first.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        name: str,
        base_url: str,
        *,
        fresh_seconds: float = 1.0,
        retry_seconds: float = 2.0,
        max_known: int = 64,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._name = name
        self._base = base_url.rstrip("/")
        self._fresh, self._retry = fresh_seconds, retry_seconds
        self._max = max_known
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Answer | None]] = {}

    async def get(self, path: str) -> Answer | None:
        """Return the answer of a path; None when the service says 404.

        Raises
        ------
        Unavailable
            When the service is away and nothing is known.
        """
        known = self._known.get(path)
        if known and self._now() < known.next_try:
            return Answer(known.body, known.stale, known.as_of)
        if known:
            known.next_try = self._now() + self._retry
        try:
            return await (self._ask(path, known) if known else self._first(path))
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("upstream away", upstream=self._name, path=path, error=repr(error), known=known is not None)
            if known is None:
                raise Unavailable(f"{self._name}: {error!r}") from error
            known.stale, known.next_try = True, self._now() + self._retry
            return Answer(known.body, stale=True, as_of=known.as_of)

    def known(self, path: str) -> Answer | None:
        """Return what the service said last, without asking it; None when nothing is known."""
        known = self._known.get(path)
        return Answer(known.body, stale=True, as_of=known.as_of) if known else None

    async def _first(self, path: str) -> Answer | None:
        """Ask once for all who wait for what is not known yet; one who gives up does not take it from the others."""
        task = self._asking.get(path)
        if task is None:
            task = self._asking[path] = asyncio.create_task(self._ask(path, None))
            task.add_done_callback(lambda done: self._told(path, done))
        return await asyncio.shield(task)

    def _told(self, path: str, done: asyncio.Task[Answer | None]) -> None:
        del self._asking[path]
        if not done.cancelled():
            done.exception()  # seen, should nobody wait any more

    async def _ask(self, path: str, known: _Known | None) -> Answer | None:
        headers = {"if-none-match": known.etag} if known and known.etag else {}
        response = await read(self._client, self._base + path, headers)
        now = self._now()
        if response.status_code == 404:
            self._known.pop(path, None)
            return None
        if response.status_code == 304 and known:
            body, etag = known.body, known.etag
        else:
            response.raise_for_status()
            body, etag = response.json(), response.headers.get("etag", "")
        self._known[path] = _Known(body, etag, now, now + self._fresh)
        self._known.move_to_end(path)
        while len(self._known) > self._max:
            self._known.popitem(last=False)
        return Answer(body, stale=False, as_of=now)


def ready_once(ask: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[str | None]]:
    """Return a readiness check: ready after the first ``ask`` that succeeds, and for good.

    A service that goes away later must not take this one down too: its last known answer is served.
    """
    warm = False

    async def ready() -> str | None:
        nonlocal warm
        if not warm:
            try:
                await ask()
            except Unavailable as error:
                return str(error)
            warm = True
        return None

    return ready


def closing(client: httpx.AsyncClient) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Return an application's lifespan that closes ``client`` at its end."""

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        yield
        await client.aclose()

    return lifespan
