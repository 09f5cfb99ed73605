"""Both regions: a show is written at home alone, and known in both, whatever happens to the link between them."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from apps.live.tests.live_world import Region, free_port, read_events

from onair_common.asgi import Lifecycle

pytestmark = pytest.mark.integration
Both = tuple[Region, Region]


async def rows(region: Region) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(**region.database)
    found = await connection.fetch("SELECT home, seq, id, show, kind, at, product, sale, made_by FROM events")
    await connection.close()
    return sorted(tuple(row) for row in found)


async def same(both: Both, seconds: float = 20) -> list[tuple[Any, ...]]:
    kr, us = both
    async with asyncio.timeout(seconds):
        while (found := await rows(kr)) != await rows(us):
            await asyncio.sleep(0.1)
    return found


async def test_a_cue_is_known_in_the_other_region_at_once(both: Both) -> None:
    kr, us = both
    following = asyncio.create_task(read_events(us.client, "/api/live/shows/table/events", 1))
    await asyncio.sleep(0.3)
    began = asyncio.get_running_loop().time()
    cue = (await kr.cue("table", "pin", product="tea")).json()
    (event,) = await following
    assert asyncio.get_running_loop().time() - began < 1, "a cue may differ by a second between two browsers"
    assert event == {"event": "cue", **cue}
    assert (await us.show("table"))["cues"] == [cue]


async def test_a_request_in_the_other_region_is_written_at_home(both: Both) -> None:
    kr, us = both
    answer = await us.cue("table", "sale-open", sale="s1", product="tea")
    assert (answer.status_code, answer.json()["seq"]) == (201, 1)
    assert (await us.show("table"))["currentSale"]["sale"] == "s1", "who asked sees it"
    assert (await kr.show("table"))["currentSale"]["sale"] == "s1"
    assert (await us.act("table", "start")).status_code == 409
    await kr.act("outdoors", "end")
    found = await same(both)
    assert [(home, seq, show) for home, seq, _, show, *_ in found] == [("kr", 1, "table"), ("us", 1, "outdoors")]


async def test_a_lost_answer_is_asked_for_again_and_written_once(both: Both) -> None:
    _, us = both
    us.world.lose_answers = 1
    assert (await us.cue("table", "pin", product="tea")).status_code == 201
    assert len(await same(both)) == 1


async def test_a_cut_link_is_told_and_heals_without_gap_or_double(both: Both) -> None:
    kr, us = both
    await kr.cue("table", "pin", product="tea")
    await same(both)
    kr.world.link_up = us.world.link_up = False
    refused = await us.cue("table", "pin", product="bowl")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert refused.json()["code"] == "home-away"
    await us.until("table", lambda found: found["stale"])
    assert not (await us.show("outdoors"))["stale"]
    for n in range(120):
        assert (await kr.cue("table", "pin", product=("tea", "bowl")[n % 2])).status_code == 201
        if n % 3 == 0:
            assert (await us.cue("outdoors", "pin", product="shoe")).status_code == 201
    following = asyncio.create_task(read_events(us.client, "/api/live/shows/table/events?after=1", 120))
    await asyncio.sleep(0.2)
    kr.world.link_up = us.world.link_up = True
    assert [event["seq"] for event in await following] == list(range(2, 122))
    found = await same(both)
    assert [seq for home, seq, *_ in found if home == "kr"] == list(range(1, 122))
    assert [seq for home, seq, *_ in found if home == "us"] == list(range(1, 41))
    await us.until("table", lambda found: not found["stale"])


async def test_requests_from_both_regions_at_once_make_one_order(both: Both) -> None:
    kr, us = both
    answers = await asyncio.gather(
        *(region.cue("table", "pin", product="tea") for region in both for _ in range(20)),
        kr.act("table", "end"),
        us.act("table", "end"),
    )
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {201, 409}
    assert codes[-2:].count(201) == 1, "one of them ended it"
    found = await same(both)
    assert [seq for _, seq, *_ in found] == list(range(1, codes.count(201) + 1))
    last_states = [(await region.show("table"))["state"] for region in both]
    assert last_states == ["ended", "ended"]


async def test_goes_on_without_its_database_and_catches_up(kr: Region, postgres: dict[str, str]) -> None:
    await kr.cue("table", "pin", product="tea")
    name = kr.database["database"]
    admin = await asyncpg.connect(**(kr.database | {"database": postgres["PGDATABASE"]}))
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    found = await kr.until("table", lambda found: found["stale"])
    assert [cue["product"] for cue in found["cues"]] == ["tea"], "what it knew"
    assert (await kr.client.get("/readyz")).status_code == 200
    assert (await kr.cue("table", "pin", product="bowl")).status_code == 503
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await admin.close()
    await kr.until("table", lambda found: not found["stale"])
    assert (await kr.cue("table", "pin", product="bowl")).json()["seq"] == 2


async def test_a_second_pod_of_the_region_sees_everything(kr: Region, start: Any) -> None:  # noqa: ANN401
    await kr.cue("table", "pin", product="tea")
    pod = await start("kr", kr.database, port=free_port())
    await pod.until("table", lambda found: found["seq"] == 1)
    await kr.cue("table", "pin", product="bowl")
    found = await pod.until("table", lambda found: found["seq"] == 2, seconds=1)
    assert len(found["cues"]) == 2


async def test_streams_end_when_the_pod_drains(kr: Region) -> None:
    lifecycle: Lifecycle = kr.lifecycle
    async with kr.client.stream("GET", "/api/live/shows/table/events") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        lifecycle.draining = True
        async with asyncio.timeout(2):
            assert [line async for line in lines] == [""]


async def test_a_peers_nonsense_ends_nothing(both: Both) -> None:
    kr, us = both
    headers = {"authorization": "Bearer " + "p" * 32}
    for body, status in (
        ({}, 400),
        ([], 400),
        ({"show": "outdoors"}, 421),
        ({"show": "table", "at": 1}, 400),
        ({"show": "table", "at": "x", "made": "y"}, 400),
    ):
        assert (await kr.client.post("/peer/events", json=body, headers=headers)).status_code == status
    assert (await kr.client.get("/peer/events?after=x", headers=headers)).status_code == 400
    assert (await kr.client.get("/peer/events?after=0&wait=x", headers=headers)).status_code == 400
    # The home region's database came back older than the copy: that is told, and nothing is mixed.
    await kr.cue("table", "pin", product="tea")
    await same(both)
    connection = await asyncpg.connect(**kr.database)
    await connection.execute("DELETE FROM events; UPDATE positions SET seq = 0 WHERE home = 'kr'")
    await connection.close()
    await asyncio.sleep(2)
    assert len(await rows(us)) == 1
