"""Sellers' requests in one region: who may, what is allowed when, and what viewers get of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from apps.live.tests.live_world import SELLER, SESSIONS, VIEWER, Region, read_events, signed_in

from onair_common.identity import Sessions

pytestmark = pytest.mark.integration


async def test_a_show_is_ended_and_started_again(kr: Region) -> None:
    assert (await kr.show("table"))["state"] == "on-air"
    assert (await kr.act("table", "start")).status_code == 409
    ended = await kr.act("table", "end")
    assert (ended.status_code, ended.json()["kind"], ended.json()["seq"]) == (201, "end", 1)
    found = await kr.show("table")
    assert (found["state"], found["status"], found["cues"]) == ("ended", "scheduled", [])
    assert datetime.fromisoformat(found["startsAt"]) > datetime.now(UTC)
    assert (await kr.act("table", "end")).status_code == 409
    assert (await kr.cue("table", "pin", product="tea")).status_code == 409
    assert (await kr.act("table", "start")).json()["seq"] == 2, "what was refused took no number"
    assert (await kr.show("table"))["state"] == "on-air"


async def test_a_show_outside_its_programme(kr: Region) -> None:
    assert (await kr.show("night"))["state"] == "scheduled"
    assert (await kr.act("night", "end")).status_code == 409
    assert (await kr.act("night", "start")).status_code == 201
    found = await kr.show("night")
    assert (found["state"], found["seq"]) == ("on-air", 1)
    assert (await kr.show("table"))["seq"] == 0


async def test_cues_in_media_time_and_the_current_sale(kr: Region) -> None:
    seen = datetime.now(UTC) - timedelta(seconds=4)
    pinned = (await kr.cue("table", "pin", product="tea", mediaTime=seen.isoformat())).json()
    assert datetime.fromisoformat(pinned["at"]) - seen < timedelta(milliseconds=1)
    assert (await kr.cue("table", "sale-open", sale="s1", product="tea", sku="TEA-40")).status_code == 201
    assert (await kr.cue("table", "sale-open", sale="s2", product="bowl")).status_code == 201
    assert (await kr.show("table"))["currentSale"]["sale"] == "s2"
    assert (await kr.cue("table", "sale-close", sale="s2")).status_code == 201
    found = await kr.show("table")
    assert found["currentSale"] | {"at": ""} == {"sale": "s1", "product": "tea", "sku": "TEA-40", "at": ""}
    assert [cue["kind"] for cue in found["cues"]] == ["pin", "sale-open", "sale-open", "sale-close"]
    assert found["cues"][0] == pinned


@pytest.mark.parametrize("what", ["start", "end", "cues"])
async def test_only_sellers_with_their_own_token(kr: Region, what: str) -> None:
    body = {"kind": "pin", "product": "tea"}
    mine, theirs = signed_in(SELLER), signed_in(VIEWER)
    forged = Sessions(["x" * 32])
    for headers, status in (
        ({}, 401),
        (signed_in(SELLER, forged), 401),
        (signed_in(replace(SELLER, expires=1)), 401),
        (theirs, 403),
        ({"cookie": mine["cookie"]}, 403),
        (mine | {"x-csrf-token": theirs["x-csrf-token"]}, 403),
        (mine | {"x-csrf-token": SESSIONS.csrf(replace(SELLER, role="viewer"))}, 403),
    ):
        answer = await kr.client.post(f"/api/live/shows/table/{what}", json=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (await kr.show("table"))["seq"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"kind": "start"},
        {"kind": "pin"},
        {"kind": "pin", "product": "shoe"},
        {"kind": "pin", "product": "<script>"},
        {"kind": "pin", "product": "tea", "more": 1},
        {"kind": "sale-open", "product": "tea"},
        {"kind": "sale-open", "sale": "x" * 65},
        {"kind": "pin", "product": "tea", "mediaTime": "yesterday"},
        {"kind": "pin", "product": "tea", "mediaTime": "2020-01-01T00:00:00Z"},
        {"kind": "pin", "product": "tea", "mediaTime": "2999-01-01T00:00:00Z"},
        {"kind": "pin", "product": "tea", "mediaTime": "0001-01-01T00:00:00+23:59"},
    ],
)
async def test_a_wrong_cue_is_told_and_not_kept(kr: Region, body: object) -> None:
    answer = await kr.act("table", "cues", body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (await kr.show("table"))["seq"] == 0


async def test_other_bad_requests(kr: Region) -> None:
    client, headers = kr.client, signed_in(SELLER)
    path = "/api/live/shows/table/cues"
    big = b'{"kind":"pin","product":"' + b"x" * 70_000 + b'"}'
    asked: list[tuple[int, httpx.Response]] = [
        (404, await kr.act("nowhere", "start")),
        (404, await kr.cue("nowhere", "pin", product="tea")),
        (404, await client.get("/api/live/shows/nowhere/events")),
        (400, await client.get("/api/live/shows/table/events?after=-1")),
        (400, await client.get("/api/live/shows/table/events", headers={"last-event-id": "x"})),
        (405, await client.put(path, json={}, headers=headers)),
        (413, await client.post(path, content=big, headers=headers | {"content-type": "application/json"})),
        (413, await client.post("/api/live/shows/table/end", content=big, headers=headers)),
        (415, await client.post(path, content=b"kind=pin", headers=headers)),
        (400, await client.post(path, content=b"{", headers=headers | {"content-type": "application/json"})),
        (401, await client.get("/peer/events")),
        (401, await client.post("/peer/events", json={}, headers={"authorization": "Bearer wrong"})),
    ]
    for status, answer in asked:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (await kr.show("table"))["seq"] == 0


async def test_a_stream_replays_what_was_missed_and_goes_on(kr: Region) -> None:
    for product in ("tea", "bowl"):
        await kr.cue("table", "pin", product=product)
    path = "/api/live/shows/table/events"
    assert [e["product"] for e in await read_events(kr.client, path, 2)] == ["tea", "bowl"], "a newcomer gets the cues"
    assert [e["seq"] for e in await read_events(kr.client, path, 1, **{"last-event-id": "1"})] == [2]
    assert [e["seq"] for e in await read_events(kr.client, f"{path}?after=1", 1)] == [2]
    await kr.act("table", "end")
    (state,) = await read_events(kr.client, f"{path}?after=2", 1)
    assert (state["event"], state["kind"]) == ("state", "end")
