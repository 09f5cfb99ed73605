"""Pulls a channel from the origin that publishes it: playlist every second, segments on demand, few kept."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

import httpx
import structlog

from origin.relay import RelayState, Role
from origin.timeline import WINDOW, live_edge, media_sequence, newest

POLL_SECONDS = 1.0
TIMEOUT = httpx.Timeout(1.0, connect=0.5)
# A publisher whose newest segment is older than this is stuck, though it answers.
MAX_LAG_SEGMENTS = 3
RELAY_HEADER = "x-onair-relay"
_log = structlog.get_logger("relay")


class PeerAway(Exception):
    """No peer gave what was asked for."""


def _current(text: str, now: float) -> str:
    """Return the playlist when it is one and is up to date; raise PeerAway when not."""
    first = media_sequence(text)
    if first is None or live_edge(now) - (first + WINDOW - 1) > MAX_LAG_SEGMENTS:
        raise PeerAway("the publisher's playlist is old or no playlist")
    return text


class Peer:
    """The publisher of one channel, seen from another region.

    Parameters
    ----------
    bases : list of str
        Base URLs of the peer's origins, tried in turn; the one that answered last is tried first.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        channel: str,
        bases: list[str],
        takeover_seconds: float,
        handback_seconds: float,
    ) -> None:
        self._client = client
        self._path = f"/video/{channel}"
        self._bases = list(bases)
        self.state = RelayState(takeover_seconds, handback_seconds, time.monotonic())
        self.playlist: str | None = None
        self._offered: str | None = None
        self._segments: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()

    @property
    def role(self) -> Role:
        """Whether this origin relays the channel or has taken it over."""
        return self.state.role

    async def run(self) -> None:
        """Poll the publisher for ever."""
        while True:
            await self.poll()
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Ask once for the playlist and let the state follow."""
        before = self.state.role
        try:
            text = (await self._fetch("index.m3u8")).decode()
            self.playlist = _current(text, time.time())
            self.state.success(time.monotonic())
        except (PeerAway, UnicodeDecodeError) as error:
            self.state.failure(time.monotonic())
            if self.state.role != before:
                _log.warning("took over", path=self._path, error=str(error))
        if before == "takeover" and self.state.role == "relay":
            _log.info("handed back", path=self._path)

    def offer(self, own: str) -> str:
        """Return the playlist for viewers: the publisher's while relaying, `own` after takeover; never an older one."""
        current = self.playlist if self.role == "relay" else own
        self._offered = newest([self._offered, current or own])
        return self._offered

    async def segment(self, name: str) -> bytes:
        """Return a segment (or the init section), fetched once for all viewers.

        Raises
        ------
        PeerAway
            When no peer has it.
        """
        task = self._segments.get(name)
        if task is None:
            task = self._segments[name] = asyncio.create_task(self._fetch(name))
            while len(self._segments) > WINDOW:
                self._segments.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except PeerAway:
            self._segments.pop(name, None)
            raise

    async def _fetch(self, name: str) -> bytes:
        error = "no peer origin is configured"
        for base in list(self._bases):
            try:
                answer = await self._client.get(
                    f"{base}{self._path}/{name}", timeout=TIMEOUT, headers={RELAY_HEADER: "1"}
                )
                answer.raise_for_status()
            except httpx.HTTPError as problem:
                error = f"{base}: {problem!r}"
                continue
            self._bases.remove(base)
            self._bases.insert(0, base)
            return answer.content
        raise PeerAway(error)
