"""Two regions and the link between them: what is said in one is heard in both, once and in order, whatever is cut."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import redis.asyncio
from chat_link import Link
from chat_world import PEER_KEY, Chat, Client, Page, Pod, append, viewer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.log import Log

pytestmark = pytest.mark.integration
Links = Callable[[int], Awaitable[Link]]


@dataclass
class Regions:
    """A pod in each region, reached by the other over a link."""

    pods: dict[str, Pod]
    links: dict[str, Link]
    valkeys: dict[str, str]

    def heal(self) -> None:
        for link in self.links.values():
            link.heal()

    async def restart(self, chat: Chat, region: str, sig: int) -> None:
        """End a region's pod and start another at its address."""
        old = self.pods[region]
        old.stop(sig)
        await asyncio.to_thread(old.process.wait)
        self.pods[region] = self.start(chat, region, old.port)
        await chat.ready(self.pods[region])

    def start(self, chat: Chat, region: str, port: int) -> Pod:
        far = self.links["us" if region == "kr" else "kr"]
        return chat.pod(region, self.valkeys[region], f"http://127.0.0.1:{far.port}", port)


async def connected(chat: Chat, link: Links, valkey_server: Callable[..., str]) -> Regions:
    """Start both regions."""
    ports = {region: chat.free_port() for region in ("kr", "us")}
    links = {region: await link(port) for region, port in ports.items()}
    regions = Regions({}, links, {region: valkey_server() for region in ports})
    regions.pods |= {region: regions.start(chat, region, port) for region, port in ports.items()}
    await chat.ready(*regions.pods.values())
    return regions


@pytest.fixture
async def regions(chat: Chat, link: Links, valkey_server: Callable[..., str]) -> Regions:
    return await connected(chat, link, valkey_server)


def numbers(client: Client, home: str) -> list[int]:
    return [int(i.removeprefix(f"{home}-")) for i in client.ids if i.startswith(f"{home}-")]


async def heard(client: Client, timeout: float = 90.0, **counts: int) -> None:
    """Wait until a client has everything; nothing may come twice, be missing or be out of order."""
    await client.until(lambda: all(len(numbers(client, home)) >= n for home, n in counts.items()), timeout)
    assert {home: numbers(client, home) for home in counts} == {h: list(range(1, n + 1)) for h, n in counts.items()}


async def test_chat_across_regions(chat: Chat, regions: Regions) -> None:
    kr, us = [await chat.client(regions.pods[r], viewer(n)) for n, r in enumerate(("kr", "us"), 1)]
    await asyncio.gather(*(kr.say(f"k{n}", f"k{n}") for n in range(10)), *(us.say(f"u{n}", f"u{n}") for n in range(10)))
    for client in (kr, us):
        await heard(client, kr=10, us=10)
    message = await us.next("message", text="k3")
    assert (message["region"], message["viewer"], message["nickname"]) == ("kr", viewer(1).id, "손님1")
    late = await chat.client(regions.pods["us"], viewer(3))
    await late.until(lambda: len(late.ids) == 20, 60)
    await kr.next("viewers", timeout=60, count=3)
    metrics = httpx.get(f"{regions.pods['us'].base}/metrics", trust_env=False).text
    assert "chat_relay_up 1.0" in metrics
    assert 'chat_relay_lag_seconds_bucket{le="+Inf"}' in metrics


async def test_moderation_reaches_the_other_region(chat: Chat, regions: Regions) -> None:
    seller = await chat.client(regions.pods["us"], viewer(1, "seller"))
    rude = await chat.client(regions.pods["kr"], viewer(2))
    said = await rude.say("rude")
    await seller.next("message", id=said["id"])
    await seller.send(type="delete", id=said["id"], ref="d")
    assert (await rude.next("deleted"))["id"] == said["id"]
    await seller.send(type="mute", viewer=viewer(2).id, seconds=3600, ref="m")
    await seller.next("accepted", ref="m")
    async with asyncio.timeout(60):
        refs = itertools.count()  # the same ref would be the same message, said before
        while (await rude.say("again", f"again-{next(refs)}")).get("reason") != "muted":
            await asyncio.sleep(0.3)
    for region in ("kr", "us"):
        late = await chat.client(regions.pods[region], viewer(5))
        await late.next("hello")
        await asyncio.sleep(0.2)
        assert said["id"] not in late.ids


@pytest.mark.parametrize("reset", [False, True], ids=["silent", "reset"])
async def test_a_cut_link_loses_nothing_and_heals_without_gap_or_double(
    chat: Chat, regions: Regions, reset: bool
) -> None:
    kr, us = [await chat.client(regions.pods[r], viewer(n)) for n, r in enumerate(("kr", "us"), 1)]
    await kr.say("before", "b")
    await heard(us, kr=1)
    for link in regions.links.values():
        link.cut(reset=reset)
    for n in range(12):
        assert (await kr.say(f"k{n}", f"k{n}"))["type"] == "accepted"
        assert (await us.say(f"u{n}", f"u{n}"))["type"] == "accepted"
        await asyncio.sleep(0.2 if n % 4 == 0 else 0)
    await heard(kr, kr=13)
    await heard(us, us=12)
    assert numbers(us, "kr") == [1]
    regions.heal()
    for client in (kr, us):
        await heard(client, kr=13, us=12)
    assert (await kr.say("after", "a"))["type"] == "accepted"
    await heard(us, kr=14, us=12)


async def test_a_message_deleted_while_the_link_was_cut_never_gets_through(chat: Chat, regions: Regions) -> None:
    seller = await chat.client(regions.pods["kr"], viewer(1, "seller"))
    us = await chat.client(regions.pods["us"], viewer(2))
    for link in regions.links.values():
        link.cut(reset=True)
    said = await seller.say("a mistake")
    await seller.send(type="delete", id=said["id"], ref="d")
    await seller.next("accepted", ref="d")
    await seller.say("the next", "n")
    regions.heal()
    await us.next("message", timeout=60, text="the next")
    assert us.ids == ["kr-3"]
    stored = await redis.asyncio.from_url(regions.valkeys["us"]).xrange("chat:show:log:kr")
    assert "a mistake" not in str(stored)


async def test_two_pods_of_a_region_do_not_double_and_one_goes_on_for_the_other(chat: Chat, regions: Regions) -> None:
    second = chat.pod("us", regions.valkeys["us"], f"http://127.0.0.1:{regions.links['kr'].port}")
    await chat.ready(second)
    kr, us = await chat.client(regions.pods["kr"], viewer(1)), await chat.client(second, viewer(2))
    await append(regions.valkeys["kr"], [f"k{n}" for n in range(50)])
    await heard(us, kr=50)
    regions.pods["us"].stop(signal.SIGKILL)
    await append(regions.valkeys["kr"], [f"k{n}" for n in range(50)])
    await heard(us, kr=100)
    await heard(kr, kr=100)


async def test_trimmed_messages_are_counted_and_do_not_stop_the_relay(chat: Chat, regions: Regions) -> None:
    for link in regions.links.values():
        link.cut(reset=True)
    await append(regions.valkeys["kr"], [f"k{n}" for n in range(500)])
    await redis.asyncio.from_url(regions.valkeys["kr"]).xtrim("chat:show:log:kr", maxlen=100, approximate=False)
    us = await chat.client(regions.pods["us"], viewer(1))
    regions.heal()
    await us.until(lambda: len(us.ids) == 100, 60)
    assert numbers(us, "kr") == list(range(401, 501))
    assert "chat_relay_trimmed_total 400.0" in httpx.get(f"{regions.pods['us'].base}/metrics", trust_env=False).text


async def test_a_home_that_lost_its_last_messages_gives_no_number_twice(chat: Chat, regions: Regions) -> None:
    us = await chat.client(regions.pods["us"], viewer(1))
    await append(regions.valkeys["kr"], [f"k{n}" for n in range(10)])
    await heard(us, kr=10)
    admin = redis.asyncio.from_url(regions.valkeys["kr"])
    await admin.flushall()
    regions.links["kr"].heal()  # as after a restart: connections begin anew
    log = Log(regions.valkeys["kr"], "kr")
    async with asyncio.timeout(60):
        while (await log.numbers("show", ["kr"]))["kr"] < 10:
            await asyncio.sleep(0.1)
    await log.close()
    await append(regions.valkeys["kr"], ["after"])
    assert (await us.next("message", text="after"))["id"] == "kr-11"


async def test_only_the_other_region_may_pull(chat: Chat, regions: Regions) -> None:
    url = f"{regions.pods['kr'].base}/peer/rooms/stream"
    right = {"authorization": f"Bearer {PEER_KEY}"}
    async with httpx.AsyncClient(trust_env=False) as http:
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": PEER_KEY}):
            assert (await http.post(url, json={"cursors": {}}, headers=headers)).status_code == 401
        wrong = [[], {}, {"cursors": []}, *({"cursors": c} for c in ({"A B": 1}, {"a": -1}, {"a": "1"}, {"a": True}))]
        for body in ("", "{", *map(json.dumps, wrong)):
            assert (await http.post(url, content=body, headers=right)).status_code == 422
        assert (await http.post(url, content=b"x" * (1 << 21), headers=right)).status_code == 413


STEPS = ("say-kr", "say-us", "cut-kr", "cut-us", "reset-kr", "reset-us", "heal", "kill-kr", "stop-us", "wait")


@pytest.fixture
def world(
    tmp_path: Path,
    region_env: dict[str, dict[str, str]],
    free_port: Callable[[], int],
    valkey_server: Callable[..., str],
) -> Iterator[tuple[asyncio.Runner, Chat, Regions]]:
    """Two regions in an event loop of their own, for one room after the other."""
    with asyncio.Runner() as runner:
        chat = Chat(tmp_path, region_env, free_port)

        async def start() -> Regions:
            return await connected(chat, lambda port: Link(port).start(), valkey_server)

        try:
            yield runner, chat, runner.run(start())
        finally:
            runner.run(chat.close())


def test_any_order_of_cuts_messages_and_restarts_loses_and_doubles_nothing(
    world: tuple[asyncio.Runner, Chat, Regions],
) -> None:
    runner, chat, regions = world
    rooms = itertools.count()

    async def play(steps: list[str]) -> None:
        room, said = f"room-{next(rooms)}", {"kr": 0, "us": 0}
        pages = {r: Page(chat, regions.pods, r, viewer(n), room) for n, r in enumerate(said, 1)}
        for step in steps:
            action, _, region = step.partition("-")
            if action == "say":
                said[region] += 1
                await pages[region].say(f"{region}-{said[region]}")
            elif action in {"cut", "reset"}:
                regions.links[region].cut(reset=action == "reset")
            elif action == "heal":
                regions.heal()
            elif action in {"kill", "stop"}:
                await regions.restart(chat, region, signal.SIGKILL if action == "kill" else signal.SIGTERM)
            else:
                await asyncio.sleep(0.2)
        regions.heal()
        await chat.ready(*regions.pods.values())
        async with asyncio.timeout(90):
            for page in pages.values():
                while len(page.ids) < sum(said.values()):
                    await page.connected()
                    await asyncio.sleep(0.05)
        for page in pages.values():
            for home, count in said.items():
                assert [i for i in page.ids if i.startswith(home)] == [f"{home}-{n}" for n in range(1, count + 1)]

    @settings(max_examples=6, deadline=None, derandomize=True)
    @example(["say-kr", "cut-kr", "say-kr", "kill-kr", "say-kr", "say-us", "stop-us", "say-us", "heal"])
    @given(st.lists(st.sampled_from(STEPS), min_size=3, max_size=10))
    def any_order(steps: list[str]) -> None:
        runner.run(play(steps))

    any_order()


def test_entries_are_taken_over_once_and_in_order_however_they_arrive(valkey_server: Callable[..., str]) -> None:
    """Batches that overlap, repeat, come late or have gaps, as from two pullers at once and from streams that broke."""
    url, rooms = valkey_server(), itertools.count()

    async def play(batches: list[tuple[int, int]]) -> None:
        log, room = Log(url, "us"), f"room-{next(rooms)}"
        known = 0
        for first, count in batches:
            entries = [(n, "m", b'{"n":%d}' % n) for n in range(first, first + count)]
            last, trimmed = await log.take_over(room, "kr", cast(Any, entries))
            known = max(known, first + count - 1) if first <= known + 1 else known
            assert (last, trimmed) == (known, 0)
        kept = await log.read(room, "kr", 0)
        assert [(e.seq, e.body) for e in kept] == [(n, b'{"n":%d}' % n) for n in range(1, known + 1)]
        assert await log.messages(room) == known
        await log.close()

    with asyncio.Runner() as runner:

        @settings(max_examples=60, deadline=None)
        @given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6)), max_size=12))
        def however(batches: list[tuple[int, int]]) -> None:
            runner.run(play(batches))

        however()
