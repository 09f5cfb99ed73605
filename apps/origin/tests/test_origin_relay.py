from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import origin.peer
from origin.channel import RESERVED_SLOTS, Channel
from origin.feed import describe
from origin.peer import Peer
from origin.relay import RelayState
from origin.run import PART_SECONDS, Cutter, Part, Run
from origin.timeline import SEGMENT_SECONDS, live_edge

TAKEOVER, HANDBACK = 3.0, 5.0
START = 1_795_423_500.0


def test_takes_over_after_silence_and_hands_back_after_health() -> None:
    state = RelayState(TAKEOVER, HANDBACK, last_success=100)
    seen = []
    for now in (102.9, 103):
        state.failure(now)
        seen.append(state.role)
    assert seen == ["relay", "takeover"]
    for now in (104, 105, 106, 107, 108):
        state.success(now)
        assert state.role == "takeover"
    state.success(109)
    assert state.role == "relay"


def test_a_flapping_publisher_is_not_handed_back_to() -> None:
    state = RelayState(TAKEOVER, HANDBACK, last_success=0)
    state.failure(3)
    for now in range(4, 200):
        (state.failure if now % 4 == 0 else state.success)(now)
        assert state.role == "takeover"


@given(st.lists(st.tuples(st.floats(0.1, 3), st.booleans()), max_size=200))
def test_role_follows_from_the_outcomes(steps: list[tuple[float, bool]]) -> None:
    state = RelayState(TAKEOVER, HANDBACK, last_success=0)
    now, last_success, streak = 0.0, 0.0, None
    for gap, success in steps:
        now += gap
        before = state.role
        (state.success if success else state.failure)(now)
        if success:
            last_success, streak = now, now if streak is None else streak
        else:
            streak = None
        if before == "relay" and state.role == "takeover":
            assert now - last_success >= TAKEOVER
        if before == "takeover" and state.role == "relay":
            assert streak is not None
            assert now - streak >= HANDBACK


class LaggingPublisher:
    """An origin in Korea whose publisher's parts come so many seconds after the pictures in them."""

    def __init__(self, first: int, lag: float) -> None:
        self.channel, self.lag, self.now, self.media = Channel("kr"), lag, START, START
        self.run = Run("00000001", "kr", START, b"init", 0)
        self.cutter = Cutter(self.run, first)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while (due := self.media + PART_SECONDS + self.lag) <= self.now:
            self.cutter.add(self.media, Part(PART_SECONDS, True, b"x"), due)
            self.media += PART_SECONDS
            (self.channel.changed if self.channel.runs else lambda: self.channel.begin(self.run))()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/video/feed":
            edge, channels = live_edge(self.now), describe([self.channel], "kr")
            return httpx.Response(200, json={"liveEdge": edge, "revision": 1, "channels": channels})
        found = re.search(r"-(\d+)\.(\d+)\.m4s$", request.url.path)
        data = self.channel.media("00000001", int(found[1]), int(found[2])) if found else b"init"
        return httpx.Response(200, content=data) if data else httpx.Response(404)

    @asynccontextmanager
    async def relayed(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Peer, Channel]]:
        """Another region's origin, started when the publication has gone on for a while, and its channel."""
        self.advance(20)
        monkeypatch.setattr(origin.peer, "time", SimpleNamespace(time=lambda: self.now, monotonic=lambda: self.now))
        here, state = Channel("kr"), RelayState(TAKEOVER, HANDBACK, self.now)
        async with httpx.AsyncClient(transport=httpx.MockTransport(self.answer)) as client:
            yield Peer(client, "kr", ["http://kr"], state=state, channels={"kr": here}, supersede=lambda _: None), here


@pytest.mark.parametrize("lag", [quarter / 4 for quarter in range(17)])
async def test_a_late_origin_joins_a_publication_however_it_lags(lag: float, monkeypatch: pytest.MonkeyPatch) -> None:
    there, shown = LaggingPublisher(live_edge(START) + 1, lag), []
    async with there.relayed(monkeypatch) as (peer, here):
        for _ in range(int(SEGMENT_SECONDS * (RESERVED_SLOTS + 1) / 0.25)):
            assert await peer.poll()
            shown.append(here.edge(there.now))
            there.advance(0.25)
    assert here.run
    assert here.run.ident == "00000001"
    assert shown == sorted(shown)
    assert here.run.slots[0].number > shown[0], "viewers had seen the stand-in in its place"


async def test_a_publication_that_has_ended_keeps_no_slot_free(monkeypatch: pytest.MonkeyPatch) -> None:
    there = LaggingPublisher(live_edge(START) + 1, 3.0)
    async with there.relayed(monkeypatch) as (peer, here):
        await peer.poll()
        assert here.edge(there.now + SEGMENT_SECONDS) == live_edge(there.now), "one slot is kept free"
        there.channel.end()
        await peer.poll()
    assert here.run is None
    assert here.edge(there.now + SEGMENT_SECONDS) == live_edge(there.now) + 1
