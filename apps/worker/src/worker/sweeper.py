"""What time brings: holds expire, what the queue lost is found again, stock moves to where it is asked for.

One worker a region does it, by lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from onair_common.peer import PeerAway
from order import fencing, forwarding, holds, orders, rebalance, stock, transfers
from order.context import Context
from order.rebalance import Demand
from worker.consumer import Consumer, Later
from worker.lease import Lease

RETRY_SECONDS = 10.0
"""What is without an answer for so long is seen to again."""
GIVE_UP_SECONDS = 120.0
"""An order that the provider never heard of for so long is cancelled."""
PEER_EVERY_SECONDS = 5.0
_log = structlog.get_logger("sweeper")


class Sweeper:
    """One region's periodic work; `tick` is called every second or so."""

    def __init__(
        self,
        context: Context,
        consumer: Consumer,
        lease: Lease,
        *,
        give_up_seconds: float = GIVE_UP_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._consumer, self.lease = context, consumer, lease
        self._give_up, self._retry, self._now = give_up_seconds, retry_seconds, now
        self._peer_due = 0.0

    async def tick(self) -> bool:
        """Do what is due; False while another worker holds the lease."""
        if not await self.lease.acquire():
            return False
        while await holds.expire(self._context.db, self._context.region) == holds.EXPIRED_AT_ONCE:
            pass
        if self._now() >= self._peer_due:
            self._peer_due = self._now() + PEER_EVERY_SECONDS
            await self._catch_up()
            await self._meet()
        return True

    async def _catch_up(self) -> None:
        """See to what has been without an answer for long: the queue may have lost it."""
        db = self._context.db
        try:
            for key in await orders.overdue(db, self._retry):
                await self._consumer.sweep(key, self._give_up)
            for transfer in await transfers.unsettled(db, self._retry):
                await self._consumer.deliver(transfer)
            for key in await forwarding.pending(self._context, self._retry):
                await self._consumer.forward(key)
        except Later as error:
            _log.info("later", error=str(error))

    async def _meet(self) -> None:
        """Compare epochs with the other region, then share stock by demand."""
        region, peer = self._context.region, self._context.settings.peer_region
        try:
            answer = await self._context.peer.get("/peer/status")
        except PeerAway:
            return
        if answer.status_code != 200:
            _log.warning("peer refuses", status=answer.status_code)
            return
        told = answer.json()
        await fencing.reconcile(self._context.db, region, peer, told)
        if await fencing.fenced(self._context.db, region) or await fencing.fenced(self._context.db, peer):
            return
        for sale, own in (await stock.demand(self._context.db, region)).items():
            if sale in told["sales"]:
                await self._share(sale, _demand(own), _demand(told["sales"][sale]))
            if own["buckets"] < stock.BUCKETS and own["left"] >= 2 * stock.BUCKETS:
                async with self._context.db.transaction() as connection:
                    await stock.even_out(connection, sale, region)

    async def _share(self, sale: str, own: Demand, peer: Demand) -> None:
        units = rebalance.surplus(own, peer)
        region, destination = self._context.region, self._context.settings.peer_region
        if not units:
            return
        async with self._context.db.transaction() as connection:
            # Who lost the lease meanwhile sends nothing: two rebalancers would send it twice.
            if await self.lease.still(connection) and await stock.take(connection, sale, region, units):
                transfer = await stock.send(connection, sale, region, destination, units)
                _log.info("transfer", sale=sale, units=units, id=transfer)


def _demand(told: dict[str, int]) -> Demand:
    return Demand(told["left"], told["asked"])
