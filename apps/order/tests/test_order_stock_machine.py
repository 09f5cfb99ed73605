"""Holds, orders, expiry, transfers and the loss of a region, in any order, on two real databases.

Whatever happens: no bucket is negative, and what was issued is available, held, sold, or on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from order_world import Regions
from threaded_loop import Loop

from onair_common.peer import PeerAway
from order import fencing, holds, keys, orders, stock, transfers
from order.orders import Actor

pytestmark = pytest.mark.integration
NAMES = st.sampled_from(["kr", "us"])
PEER = {"kr": "us", "us": "kr"}
COUNTS = """
SELECT (SELECT coalesce(sum(available), 0) FROM allotments) AS available,
       (SELECT coalesce(sum(quantity), 0) FROM holds WHERE state IN ('held', 'ordered')) AS held,
       (SELECT coalesce(sum(quantity), 0) FROM holds WHERE state = 'sold') AS sold,
       (SELECT coalesce(min(available), 0) FROM allotments) AS least
"""
TABLES = "order_audit, orders, holds, allotments, transfers, sales, outbox, regions, forwarded_orders, callbacks"


class Stock(RuleBasedStateMachine):
    """Two regions that share one sale."""

    regions: Regions
    run: Loop

    @initialize(kr=st.integers(0, 40), us=st.integers(0, 40))
    def open(self, kr: int, us: int) -> None:
        self.issued = kr + us
        self.held: dict[str, list[str]] = {"kr": [], "us": []}
        self.paying: dict[str, list[str]] = {"kr": [], "us": []}
        self.run(self._open(kr, us))

    async def _open(self, kr: int, us: int) -> None:
        for region in self.regions.values():
            await region.db.fetch(f"TRUNCATE {TABLES} RESTART IDENTITY")
            region.network.cut = region.network.lose_answers = False
        await self.regions["kr"].open(kr=kr, us=us)

    @rule(name=NAMES, quantities=st.lists(st.integers(1, 5), min_size=1, max_size=8))
    def hold(self, name: str, quantities: list[int]) -> None:
        """Several viewers at once."""

        async def together() -> list[Any]:
            return await asyncio.gather(*(self.regions[name].hold(q) for q in quantities))

        for answer in self.run(together()):
            assert answer.status_code in {201, 404, 409, 503}, answer.text
            if answer.status_code == 201:
                self.held[name].append(answer.json()["hold"])

    @precondition(lambda self: self.held["kr"] or self.held["us"])
    @rule(data=st.data(), via=NAMES)
    def order(self, data: st.DataObject, via: str) -> None:
        """Through either region; the hold's home decides."""
        hold = data.draw(st.sampled_from(self.held["kr"] + self.held["us"]))
        home = hold[:2]
        key = keys.new(home)
        for _ in range(2):
            answer = self.run(self.regions[via].order(hold, key=key))
            assert answer.status_code in {202, 410}, answer.text
        if answer.status_code == 202 and answer.json()["state"] == "paying":
            self.held[home].remove(hold)
            self.paying[home].append(key)

    @precondition(lambda self: self.paying["kr"] or self.paying["us"])
    @rule(data=st.data(), outcome=st.sampled_from(["charged", "declined", "gave up", "gave up, then charged"]))
    def settle(self, data: st.DataObject, outcome: str) -> None:
        key = data.draw(st.sampled_from(self.paying["kr"] + self.paying["us"]))
        self.run(self._settle(key, outcome))

    async def _settle(self, key: str, outcome: str) -> None:
        actor, home = Actor("test", "test"), key[:2]
        async with self.regions[home].db.transaction() as connection:
            state = await connection.fetchval("SELECT state FROM orders WHERE key = $1", key)
            if outcome.startswith("gave up"):
                if state == "paying":
                    await orders.change(connection, home, key, "cancelled", actor=actor, reason="test")
                if outcome == "gave up":
                    return
            told = "declined" if outcome == "declined" else "charged"
            for _ in range(2):
                await orders.settle(connection, home, key, told, actor)  # type: ignore[arg-type]

    @rule(name=NAMES)
    def expire(self, name: str) -> None:
        self.run(self._expire(name))
        self.held[name].clear()

    async def _expire(self, name: str) -> None:
        await self.regions[name].db.fetch("UPDATE holds SET expires_at = now() WHERE state = 'held'")
        await holds.expire(self.regions[name].db, name)

    @rule(name=NAMES, units=st.integers(1, 30))
    def send(self, name: str, units: int) -> None:
        self.run(self._send(name, units))

    async def _send(self, name: str, units: int) -> None:
        async with self.regions[name].db.transaction() as connection:
            if await stock.take(connection, "tea", name, units):
                await stock.send(connection, "tea", name, PEER[name], units)

    @rule(name=NAMES)
    def deliver(self, name: str) -> None:
        """Whatever is on its way, once more; the link may be cut or lose the answer."""
        self.run(self._deliver(name))

    async def _deliver(self, name: str) -> None:
        region = self.regions[name]
        rows = await region.db.fetch("SELECT id FROM transfers WHERE direction = 'outgoing'")
        for row in rows:
            told = await transfers.message(region.db, row["id"])
            if told is None:
                continue
            try:
                answer = await region.context.peer.post("/peer/transfers", told)
            except PeerAway:
                continue
            async with region.db.transaction() as connection:
                for _ in range(2):
                    await transfers.conclude(connection, row["id"], answer.json()["verdict"])

    @rule(name=NAMES, cut=st.booleans(), lose=st.booleans())
    def link(self, name: str, cut: bool, lose: bool) -> None:
        self.regions[name].network.cut, self.regions[name].network.lose_answers = cut, lose

    @rule(lost=NAMES)
    def fence(self, lost: str) -> None:
        """The region that stays declares the other one lost."""

        async def fence() -> None:
            async with self.regions[PEER[lost]].db.transaction() as connection:
                await fencing.fence(connection, lost)

        self.run(fence())

    @rule(name=NAMES)
    def meet(self, name: str) -> None:
        self.run(self._meet(name))

    async def _meet(self, name: str) -> None:
        region = self.regions[name]
        try:
            answer = await region.context.peer.get("/peer/status")
        except PeerAway:
            return
        await fencing.reconcile(region.db, name, PEER[name], answer.json())

    @invariant()
    def conserved(self) -> None:
        if hasattr(self, "issued"):
            self.run(self._conserved())

    async def _conserved(self) -> None:
        total = 0
        for region in self.regions.values():
            counts = (await region.db.fetch(COUNTS))[0]
            assert counts["least"] >= 0
            total += counts["available"] + counts["held"] + counts["sold"]
        assert total + await self._in_transit() == self.issued

    async def _in_transit(self) -> int:
        units = 0
        for name in ("kr", "us"):
            sent = await self.regions[name].db.fetch("SELECT id, quantity FROM transfers WHERE state = 'sent'")
            there = await self.regions[PEER[name]].db.fetch("SELECT id FROM transfers WHERE state = 'received'")
            units += sum(r["quantity"] for r in sent if r["id"] not in {t["id"] for t in there})
        return units

    def teardown(self) -> None:
        """When the link is whole again and both have met, everything issued can be sold."""
        if not hasattr(self, "issued"):
            return
        for region in self.regions.values():
            region.network.cut = region.network.lose_answers = False
        for _ in range(4):
            for name in ("kr", "us"):
                self.run(self._meet(name))
                self.run(self._deliver(name))
        assert self.run(self._in_transit()) == 0
        for name, region in self.regions.items():
            assert not self.run(fencing.fenced(region.db, name)), "still fenced after both regions met"
        self.conserved()


def test_stock_is_conserved_and_never_negative(
    make_regions: Callable[[], Awaitable[Regions]], loop_in_thread: Loop
) -> None:
    Stock.run = loop_in_thread
    Stock.regions = loop_in_thread(make_regions())  # type: ignore[arg-type]
    try:
        run_state_machine_as_test(
            Stock,
            settings=settings(
                max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        for region in Stock.regions.values():
            loop_in_thread(region.db.close())
