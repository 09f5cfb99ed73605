"""How a service calls others by HTTP: one client with limits, the request's id handed on, reads tried twice."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import structlog

from onair_common.pauses import attempts

TIMEOUT = httpx.Timeout(1.5, connect=0.5)
"""Of one try, in seconds."""
TRIES, PAUSE_SECONDS = 2, 0.1
PASSING = frozenset({502, 503, 504})
"""What a proxy answers while a pod goes: another one may answer the next try."""


async def _hand_on_id(request: httpx.Request) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        request.headers.setdefault("x-request-id", str(request_id))


def http_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return the client of a service: no proxy of the environment, no redirects, the request's id on every call."""
    return httpx.AsyncClient(
        transport=transport, trust_env=False, timeout=TIMEOUT, event_hooks={"request": [_hand_on_id]}
    )


async def read(client: httpx.AsyncClient, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Get an address; a connection that fails, or an answer of `PASSING`, is tried again once, after a jittered pause.

    Not after a timeout: who was slow once would be waited for twice.

    Raises
    ------
    httpx.HTTPError
        When the last try failed.
    """
    async for attempt in attempts(TRIES, PAUSE_SECONDS):
        last = attempt == TRIES - 1
        try:
            response = await client.get(url, headers=headers, timeout=TIMEOUT)
        except httpx.TimeoutException:
            raise
        except httpx.TransportError:
            if last:
                raise
            continue
        if last or response.status_code not in PASSING:
            return response
    raise AssertionError("unreachable")
