from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.app import Parts, create
from live.programme import Show, Turn, slot, slot_after
from live.store import Store
from onair_common.asgi import Lifecycle
from onair_common.settings import Settings

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = Show("x", "kr", START, timedelta(hours=1), timedelta(days=1))
RAW = {"id": "x", "homeRegion": "kr", "firstStart": START.isoformat(), "durationSeconds": 3600, "periodSeconds": 86400}


@pytest.mark.parametrize(
    ("now", "status", "start"),
    [
        (START - timedelta(days=3), "scheduled", START),
        (START, "on-air", START),
        (START + timedelta(minutes=59, seconds=59), "on-air", START),
        (START + timedelta(hours=1), "scheduled", START + timedelta(days=1)),
        (START + timedelta(days=400, minutes=1), "on-air", START + timedelta(days=400)),
    ],
)
def test_slots(now: datetime, status: str, start: datetime) -> None:
    found = slot(HOUR, now)
    assert (found.status, found.start, found.end) == (status, start, start + timedelta(hours=1))


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(-(10**8), 10**9))
def test_a_slot_is_the_current_run_or_the_next_one(duration: int, pause: int, offset: int) -> None:
    show = Show("x", "kr", START, timedelta(seconds=duration), timedelta(seconds=duration + pause))
    now = START + timedelta(seconds=offset)
    found = slot(show, now)
    assert found.end > now
    assert (found.status == "on-air") == (found.start <= now)
    assert (found.start - START) % show.period == timedelta(0)
    assert found.start - now <= show.period or now < START


instants = st.integers(-(10**6), 10**7).map(lambda seconds: START + timedelta(seconds=seconds))


@given(st.integers(60, 86400), st.sampled_from(["start", "end"]), instants, instants)
def test_a_sellers_turn_holds_for_one_run_and_no_longer(
    duration: int, kind: Literal["start", "end"], at: datetime, now: datetime
) -> None:
    show = Show("x", "kr", START, timedelta(seconds=duration), timedelta(days=1))
    found, programme = slot_after(show, Turn(kind, at), now), slot(show, now)
    assert found.end > now
    assert (found.status == "on-air") == (found.start <= now)
    if at > now or now >= at + show.duration:
        assert found == programme, "forgotten or to come, it changes nothing"
    elif kind == "end":
        assert found.status != "on-air" or (found == programme and found.start > at)
    if now == at:
        assert found.status == {"start": "on-air", "end": "ended"}[kind]


@given(instants)
def test_without_a_turn_the_programme_holds(now: datetime) -> None:
    assert slot_after(HOUR, None, now) == slot(HOUR, now)


class Catalog:
    away = False
    now = START

    def answer(self, _: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectTimeout("away")
        return httpx.Response(200, json={"shows": [RAW]})


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def client(catalog: Catalog, region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    upstream = httpx.AsyncClient(transport=httpx.MockTransport(catalog.answer))
    settings = Settings.read({"SERVICE_NAME": "live", **region_env["us"]})
    nowhere = Store(host="127.0.0.1", port=1)
    env = {"SESSION_KEYS": "k" * 32, "PEER_KEY": "p" * 32}
    app = create(settings, Lifecycle(), Parts(upstream, nowhere, lambda: catalog.now, env))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://live")


async def test_survives_the_catalogue_and_says_so(client: httpx.AsyncClient, catalog: Catalog) -> None:
    first = (await client.get("/api/live/shows")).json()
    assert first["source"] == "catalog"
    assert first["shows"][0]["playback"] == {"kind": "origin", "url": "/video/kr/index.m3u8"}
    assert first["shows"][0]["stale"], "without its database it says what the programme says"
    catalog.away, catalog.now = True, START + timedelta(minutes=30)
    one = (await client.get("/api/live/shows/x")).json()
    assert (one["status"], one["source"], one["asOf"]) == ("on-air", "last-known", START.isoformat())
    catalog.now = START + timedelta(hours=2)
    assert (await client.get("/api/live/shows/x")).json()["status"] == "scheduled", "the programme goes on"
    assert (await client.get("/api/live/shows/y")).status_code == 404


async def test_not_ready_and_503_while_nothing_is_known(client: httpx.AsyncClient, catalog: Catalog) -> None:
    catalog.away = True
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/api/live/shows")).status_code == 503
    catalog.away = False
    assert (await client.get("/readyz")).status_code == 200
    catalog.away = True
    assert (await client.get("/readyz")).status_code == 200, "ready stays ready on what is known"
