"""What the pages ask the other services for, and what they do without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import structlog

from onair_common.calls import read
from onair_common.identity import COOKIE
from onair_common.upstream import Answer, Unavailable, Upstream
from web.visitors import Visit

PATIENCE_SECONDS = 1.0
"""How long a page waits for a part that it can do without: for what is lost, not for what is slow. A show's first page
without show control has no video."""
RETRY_SECONDS = 2.0
_log = structlog.get_logger("backends")


class Aside:
    """A service that a page can do without: not waited for long, and not asked again for a while after it failed."""

    def __init__(self, upstream: Upstream, now: Callable[[], float] = time.monotonic) -> None:
        self._upstream, self._now = upstream, now
        self._next_try = 0.0

    async def get(self, path: str) -> Answer | None:
        """Return the answer of a path, the last known one when the service is away; None without one, and for 404."""
        if self._now() < self._next_try:
            return self._upstream.known(path)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._upstream.get(path)
        except (Unavailable, TimeoutError):
            self._next_try = self._now() + RETRY_SECONDS
            return self._upstream.known(path)


class Private:
    """A viewer's own things, read with the viewer's session and kept nowhere."""

    def __init__(self, client: httpx.AsyncClient, base_url: str) -> None:
        self._client, self._base = client, base_url.rstrip("/")

    async def get(self, path: str, cookies: Mapping[str, str], visit: Visit, lang: str) -> dict[str, Any] | None:
        """Return an object; None when there is none of this viewer's.

        Parameters
        ----------
        cookies : Mapping
            Those of the page's request: the session goes along, nothing else.

        Raises
        ------
        Unavailable
            When the service is away or answers strangely.
        """
        session = visit.cookie or cookies.get(COOKIE, "")
        headers = {"cookie": f"{COOKIE}={session}", "accept-language": lang}
        try:
            response = await read(self._client, self._base + path, headers)
            if response.status_code in {401, 404}:
                return None
            body = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("away", path=path.split("/")[2], error=repr(error))
            raise Unavailable(repr(error)) from error
        if not isinstance(body, dict):
            raise Unavailable("no object")
        return body
