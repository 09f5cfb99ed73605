"""Worker against two regions' services and databases, with a queue in memory; Valkey's own in test_worker_queue."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

import httpx
import pytest
from order_world import Region, Regions

from order import fencing, keys, outbox, stock
from order.orders import Actor
from worker import app
from worker.lease import Lease
from worker.queue import Message, Received

pytestmark = pytest.mark.integration
ENV = {"CALLBACK_URL": "http://order/api/order/payments/callback"}


@dataclass
class MemoryQueue:
    """Keeps what is not done, and gives everything out again each time: the worst that a queue may do."""

    kept: dict[str, Message] = field(default_factory=dict)
    lost: bool = False
    numbers: deque[int] = field(default_factory=lambda: deque(range(100_000)))

    async def send(self, messages: list[Message]) -> None:
        for message in messages:
            if not self.lost:
                self.kept[str(self.numbers.popleft())] = message

    async def receive(self) -> list[Received]:
        return [(name, message) for name, message in self.kept.items() for _ in range(2)]

    async def done(self, receipts: list[str]) -> None:
        for receipt in receipts:
            self.kept.pop(receipt, None)

    async def close(self) -> None:
        self.kept.clear()


class PolledQueue(MemoryQueue):
    """Waits a little, as a real one does."""

    async def receive(self) -> list[Received]:
        await asyncio.sleep(0.01)
        return await super().receive()


class Workers:
    """One worker a region."""

    def __init__(self, regions: Regions) -> None:
        self.queues = {name: MemoryQueue() for name in regions}
        self.workers = {name: app.build(region.context, self.queues[name], ENV) for name, region in regions.items()}
        for region in regions.values():
            region.network.callbacks = httpx.ASGITransport(region.service)

    async def drain(self, *names: str) -> None:
        """Relay and consume until nothing moves."""
        for _ in range(6):
            for name in names or ("kr", "us"):
                worker = self.workers[name]
                while await outbox.relay(worker._context.db, worker.queue.send):
                    pass
                await worker.consume()

    async def tick(self, name: str) -> bool:
        sweeper = self.workers[name]._sweeper
        sweeper._peer_due = 0.0
        return await sweeper.tick()


@pytest.fixture
def workers(regions: Regions) -> Workers:
    return Workers(regions)


async def buy(region: Region, token: str, quantity: int = 1) -> str:
    key = keys.new(region.name)
    hold = (await region.hold(quantity)).json()["hold"]
    assert (await region.order(hold, token=token, key=key)).status_code == 202
    return key


async def age(region: Region) -> None:
    """Let time pass: everything that waits has waited for an hour."""
    for statement in (
        "UPDATE orders SET asked_at = asked_at - interval '1 hour', created_at = created_at - interval '1 hour'",
        "UPDATE transfers SET tried_at = tried_at - interval '1 hour'",
        "UPDATE forwarded_orders SET tried_at = tried_at - interval '1 hour'",
    ):
        await region.db.fetch(statement)


async def ledger(region: Region) -> list[tuple[str, str]]:
    rows = await region.db.fetch("SELECT key, outcome FROM provider.charges")
    return [(r["key"], r["outcome"]) for r in rows]


@pytest.mark.parametrize(
    ("token", "state", "left"),
    [("tok-ok", "paid", 7), ("tok-twice", "paid", 7), ("tok-timeout", "paid", 7), ("tok-decline", "declined", 10)],
)
async def test_an_order_is_paid_or_declined_once(
    regions: Regions, workers: Workers, token: str, state: str, left: int
) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    key = await buy(kr, token, 3)
    await workers.drain("kr")
    assert (await kr.find(key)).json()["state"] == state
    assert await kr.left() == left
    assert await ledger(kr) == [(key, "declined" if state == "declined" else "charged")]
    changes = await kr.db.fetch("SELECT to_state FROM order_audit WHERE order_key = $1 ORDER BY id", key)
    assert [r["to_state"] for r in changes] == ["paying", state], "a change was written down twice, or not"


async def test_an_order_that_the_queue_lost_is_found_again(regions: Regions, workers: Workers) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    workers.queues["kr"].lost = True
    key = await buy(kr, "tok-ok")
    await workers.drain("kr")
    assert (await kr.find(key)).json()["state"] == "paying"
    await kr.db.fetch("UPDATE orders SET asked_at = asked_at - interval '1 hour'")
    await workers.tick("kr")
    assert (await kr.find(key)).json()["state"] == "paid"


async def test_an_order_that_the_provider_never_heard_of_is_given_up_and_a_late_charge_refunded(
    regions: Regions, workers: Workers
) -> None:
    kr = regions["kr"]
    await kr.open(kr=10)
    key = await buy(kr, "tok-lost", 2)
    await workers.drain("kr")
    await age(kr)
    await workers.tick("kr")
    assert (await kr.find(key)).json()["state"] == "cancelled"
    assert await kr.left() == 10
    # The request was only slow, after all.
    await kr.db.fetch(
        "INSERT INTO provider.charges (key, minor, currency, outcome) VALUES ($1, 78000, 'KRW', 'charged')", key
    )
    await workers.workers["kr"]._consumer.settle(key, "charged", Actor("provider", "callback"))
    assert (await kr.find(key)).json()["state"] == "refunded"
    assert await ledger(kr) == [(key, "refunded")]
    assert await kr.left() == 10


async def test_the_other_regions_stock_arrives_once_whatever_the_link_loses(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10, us=20)
    assert (await kr.left(), await us.left()) == (10, 0)
    kr.network.cut = True
    await workers.drain()
    assert await us.left() == 0
    kr.network.cut, kr.network.lose_answers = False, True
    await workers.drain()
    assert await us.left() == 20, "it arrived, though its sender does not know"
    kr.network.lose_answers = False
    await workers.drain()
    assert (await kr.left(), await us.left()) == (10, 20)
    assert [r["state"] for r in await kr.db.fetch("SELECT state FROM transfers")] == ["settled"]
    answer = await us.hold(2)
    assert answer.json()["amount"] == {"minor": 5800, "currency": "USD"}


async def test_a_transfer_that_cannot_be_sold_there_comes_back(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await us.open(us=1)
    await kr.open(kr=10, us=20)
    await workers.drain()
    assert (await kr.left(), await us.left()) == (30, 1), "another sale has the id there"


async def test_closing_reaches_the_other_region(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10, us=20)
    await workers.drain()
    await kr.client(role="seller").post("/api/order/sales/tea/close")
    await workers.drain()
    assert (await us.hold()).status_code == 410


async def test_an_order_accepted_while_its_home_was_away_is_paid_once(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    hold, key = (await kr.hold()).json()["hold"], keys.new("kr")
    us.network.cut = True
    assert (await us.order(hold, key=key)).json()["state"] == "pending"
    await workers.drain()
    us.network.cut = False
    # The viewer tries again at home as well.
    assert (await kr.order(hold, key=key)).status_code == 202
    await workers.drain()
    for region in (kr, us):
        assert (await region.find(key)).json()["state"] == "paid"
    assert (await ledger(kr), await ledger(us)) == ([(key, "charged")], [])


async def test_an_order_that_came_too_late_at_home_shows_as_cancelled(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=10)
    hold, key = (await kr.hold()).json()["hold"], keys.new("kr")
    us.network.cut = True
    await us.order(hold, key=key)
    await kr.db.fetch("UPDATE holds SET expires_at = now()")
    us.network.cut = False
    await workers.drain()
    assert (await us.find(key)).json()["state"] == "cancelled"
    assert (await us.find(key, viewer="b")).status_code == 404


async def test_stock_moves_to_where_it_is_asked_for(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=100, us=4)
    await workers.drain()
    for _ in range(4):
        assert (await us.hold()).status_code == 201
    assert (await us.hold()).status_code == 409
    await workers.tick("kr")
    await workers.drain()
    assert await us.left() == 100 * 5 // 6
    assert await kr.left() + await us.left() == 100


async def test_ready_only_while_every_loop_goes_round(regions: Regions, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = app.build(regions["kr"].context, PolledQueue(), ENV)
    assert worker.stuck() == "no relay, consume, sweep in 60 s"
    monkeypatch.setattr(app, "OUTBOX_SECONDS", 0.05)
    monkeypatch.setattr(app, "TICK_SECONDS", 0.05)
    loops = [asyncio.create_task(worker.run(step)) for step in worker.steps]
    async with asyncio.timeout(20):
        while worker.stuck():
            await asyncio.sleep(0.02)

    async def away() -> list[Received]:
        raise ConnectionError("the queue is away")

    monkeypatch.setattr(worker.queue, "receive", away)
    monkeypatch.setattr(app, "STUCK_SECONDS", 0.5)
    async with asyncio.timeout(20):
        while worker.stuck() != "no consume in 0.5 s":
            await asyncio.sleep(0.02)
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await worker.close()


async def test_one_sweeper_a_region(regions: Regions) -> None:
    kr = regions["kr"]
    first, second = Lease(kr.db, "x", "one"), Lease(kr.db, "x", "two")
    assert await first.acquire()
    assert await first.acquire()
    assert not await second.acquire()
    async with kr.db.transaction() as connection:
        assert await first.still(connection)
        assert not await second.still(connection)
    await kr.db.fetch("UPDATE leases SET expires_at = now() - interval '1 second'")
    assert await second.acquire()
    async with kr.db.transaction() as connection:
        assert not await first.still(connection), "who was paused meanwhile holds nothing any more"
    await second.release()
    assert await first.acquire()


async def test_a_lost_region_is_fenced_until_both_agree(regions: Regions, workers: Workers) -> None:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=100, us=40)
    await workers.drain()
    async with us.db.transaction() as connection:
        assert await stock.take(connection, "tea", "us", 5)
        await stock.send(connection, "tea", "us", "kr", 5)
    async with kr.db.transaction() as connection:
        assert await stock.take(connection, "tea", "kr", 7)
        await stock.send(connection, "tea", "kr", "us", 7)
        assert await fencing.fence(connection, "us") == 2
    assert (await us.hold()).status_code == 201, "lost to kr, it sells on what is its own alone"
    us.network.cut = kr.network.cut = True
    await workers.tick("us")
    us.network.cut = kr.network.cut = False
    async with us.db.transaction() as connection:
        assert await fencing.learn(connection, "us", 2)
    answer = await us.hold()
    assert (answer.status_code, answer.json()["code"]) == (503, "reconciling")
    async with us.db.transaction() as connection:
        assert not await stock.take(connection, "tea", "us", 1)
    await workers.drain()
    assert (await kr.left(), await us.left()) == (105, 34), "what was sent to the old epoch came back"
    for name in ("us", "kr", "us"):
        await workers.tick(name)
        await workers.drain()
    assert (await us.hold()).status_code == 201
    assert not await fencing.fenced(kr.db, "us")
    assert await kr.left() + await us.left() == 138
