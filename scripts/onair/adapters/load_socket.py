"""WebSockets of the load generator's scenarios, on the same connections, addresses and trust as its requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from onair.adapters.load_client import classify
from onair.core.load_result import Answer
from onair.core.scenario import Socket

MAX_BYTES = 1 << 20
FAREWELL_SECONDS = 1.0


async def shake_hands(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], clock: Callable[[], float], timeout: float
) -> tuple[Answer, Socket | None]:
    """Open a WebSocket, as a page of the same host does.

    Parameters
    ----------
    timeout
        Longest time for connection and handshake, seconds.

    Returns
    -------
    tuple
        What became of the handshake, and the socket where it is open.
    """
    parts = urlsplit(url)
    answer = Answer(clock(), clock(), 0.0, "", ok=False)
    own = {**headers, "origin": f"{parts.scheme}://{parts.netloc}"}
    socket = None
    try:
        async with asyncio.timeout(timeout):
            found = await session.ws_connect(
                url,
                headers=own,
                max_msg_size=MAX_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=FAREWELL_SECONDS),
            )
        answer.outcome, answer.ok, socket = "http-101", True, JsonSocket(found)
        answer.region = found._response.headers.get("x-onair-region", "")
    except aiohttp.WSServerHandshakeError as error:
        answer.outcome, answer.detail = f"http-{error.status}", error.message[:200]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        answer.outcome, answer.detail = classify(error, "connect"), f"{type(error).__name__}: {error}"[:200]
    answer.ended = clock()
    return answer, socket


class JsonSocket:
    """See `onair.core.scenario.Socket`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._socket.closed

    async def say(self, message: Mapping[str, Any]) -> None:
        """Send a message; on a socket that is gone, nothing happens."""
        with contextlib.suppress(ConnectionError, aiohttp.ClientError, RuntimeError):
            await self._socket.send_str(json.dumps(message))

    async def hear(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message; None when none comes for so long, or none will."""
        try:
            found = await self._socket.receive(timeout=seconds)
        except TimeoutError:
            return None
        if found.type is not aiohttp.WSMsgType.TEXT:
            with contextlib.suppress(TimeoutError, ConnectionError, aiohttp.ClientError):
                await self._socket.close()
            return None
        try:
            heard = json.loads(found.data)
        except ValueError:
            return {}
        return heard if isinstance(heard, dict) else {}

    async def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(TimeoutError, ConnectionError, aiohttp.ClientError):
            await self._socket.close()
