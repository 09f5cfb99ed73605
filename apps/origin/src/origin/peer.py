"""The other region's origin: what it publishes is relayed as it comes, its cameras' segments on demand."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import structlog
from prometheus_client import Counter

from onair_common.pauses import pause
from origin.channel import Channel
from origin.feed import FeedError, RemoteRun, read
from origin.relay import RelayState
from origin.run import Part, Run, RunError
from origin.timeline import WINDOW, live_edge

POLL_SECONDS = 1.0
"""Pause after a failure. A feed in order answers when there is news, after `FEED_SECONDS` at the latest."""
FEED_SECONDS = 1.0
TIMEOUT = httpx.Timeout(1.0 + FEED_SECONDS, connect=0.5)
# An origin whose clock is that far from ours, or that hangs, is no use though it answers.
MAX_LAG_SEGMENTS = 3
RELAY_HEADER = "x-onair-relay"
RELAYED = Counter("origin_relayed_parts", "Parts of the other region's publications that were fetched.", ["result"])
_log = structlog.get_logger("relay")


class PeerAway(Exception):
    """No peer gave what was asked for."""


class Peer:
    """The other region's origins.

    Parameters
    ----------
    region : str
        The other region.
    bases : list of str
        Base URLs of its origins, tried in turn; the one that answered last is tried first.
    channels : Mapping
        All channels of this origin by name.
    supersede : Callable
        Ends the publication of a channel here, because a later one goes on there.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        region: str,
        bases: list[str],
        *,
        state: RelayState,
        channels: Mapping[str, Channel],
        supersede: Callable[[str], None],
    ) -> None:
        self.region, self.state = region, state
        self._client, self._bases, self._channels, self._supersede = client, list(bases), channels, supersede
        self._revision = ""
        self._segments: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()

    async def run(self) -> None:
        """Follow the other region for ever."""
        while True:
            if not await self.poll():
                await pause(POLL_SECONDS)

    async def poll(self) -> bool:
        """Ask once for news and let state and channels follow; tell whether there was an answer."""
        before = self.state.role
        try:
            runs = await self._feed()
            self.state.success(time.monotonic())
            if self.state.role == "relay":
                for name, channel in self._channels.items():
                    await self._follow(channel, runs.get(name))
        except PeerAway as error:
            self._revision = ""
            self.state.failure(time.monotonic())
            if self.state.role == "takeover":
                self._let_go()
                if before != "takeover":
                    _log.warning("took over", peer=self.region, error=str(error))
            return False
        if before == "takeover" and self.state.role == "relay":
            _log.info("handed back", peer=self.region)
        return True

    async def segment(self, channel: str, name: str) -> bytes:
        """Return a segment of a camera there, fetched once for all viewers.

        Raises
        ------
        PeerAway
            When no peer has it.
        """
        path = f"{channel}/{name}"
        task = self._segments.get(path)
        if task is None:
            task = self._segments[path] = asyncio.create_task(self._fetch(path))
            while len(self._segments) > WINDOW:
                self._segments.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except PeerAway:
            self._segments.pop(path, None)
            raise

    async def _feed(self) -> dict[str, RemoteRun]:
        try:
            answer: dict[str, Any] = (await self._get(f"feed?since={self._revision}")).json()
            lag = live_edge(time.time()) - int(answer["liveEdge"])
            runs = read(answer["channels"], self.region)
            self._revision = str(int(answer["revision"]))
        except (ValueError, KeyError, TypeError, FeedError) as error:
            raise PeerAway(f"no feed: {error!r}") from error
        if abs(lag) > MAX_LAG_SEGMENTS:
            raise PeerAway(f"its clock is {lag} segments behind ours")
        return runs

    async def _follow(self, channel: Channel, remote: RemoteRun | None) -> None:
        """Let a channel have what the other region publishes on it."""
        run = channel.run
        if run and run.region != self.region:
            if remote is None or not remote.open or remote.order < run.order:
                return
            self._supersede(channel.name)
            run = None
        if run and (remote is None or run.ident != remote.ident):
            channel.end()
            run = None
        if remote is None or not (run or remote.open):
            channel.release()
            return
        try:
            await self._fill(channel, run, remote)
        except RunError as error:
            _log.warning("relayed publication", channel=channel.name, error=str(error))
            channel.end()
        if not remote.open:
            channel.end()

    async def _fill(self, channel: Channel, run: Run | None, remote: RemoteRun) -> None:
        """Fetch the parts that are not here yet. A run that is new here begins at a slot that nobody was shown yet."""
        newest = run.slots[-1] if run else None
        if newest is None:
            first = channel.reserve(remote.slots[0].number, remote.slots[-1].number, time.time())
        elif remote.slots[0].number > newest.number + 1:
            channel.end()  # too far behind: what is between is gone
            return
        else:
            first = newest.number
        for slot in remote.slots:
            if slot.number < first:
                continue
            have = len(newest.parts) if newest and newest.number == slot.number else 0
            for index in range(have, len(slot.parts)):
                duration, independent = slot.parts[index]
                part = Part(duration, independent, await self._part(channel, remote, slot.number, index))
                if run is None:
                    init = await self._fetch(f"{channel.name}/{remote.ident}.mp4")
                    if slot.number <= channel.edge(time.time()):
                        return  # too late: viewers have seen the stand-in in its place
                    run = Run(remote.ident, remote.region, remote.started, init, remote.discontinuity)
                    run.put(slot.number, slot.start, part)
                    channel.begin(run)
                elif channel.run is not run:
                    return  # somebody began to publish here meanwhile
                else:
                    run.put(slot.number, slot.start, part)
                    channel.changed()

    async def _part(self, channel: Channel, remote: RemoteRun, number: int, index: int) -> bytes:
        try:
            data = await self._fetch(f"{channel.name}/{remote.ident}-{number}.{index}.m4s")
        except PeerAway:
            RELAYED.labels("failed").inc()
            raise
        RELAYED.labels("ok").inc()
        return data

    def _let_go(self) -> None:
        """End what was relayed from a region that is lost."""
        for channel in self._channels.values():
            channel.release()
            if channel.run and channel.run.region == self.region:
                channel.end()

    async def _fetch(self, path: str) -> bytes:
        return (await self._get(path)).content

    async def _get(self, path: str) -> httpx.Response:
        error = "no peer origin is configured"
        for base in list(self._bases):
            try:
                answer = await self._client.get(f"{base}/video/{path}", timeout=TIMEOUT, headers={RELAY_HEADER: "1"})
                answer.raise_for_status()
            except httpx.HTTPError as problem:
                error = f"{base}: {problem!r}"
                continue
            self._bases.remove(base)
            self._bases.insert(0, base)
            return answer
        raise PeerAway(error)
