"""Fencing of a lost region: its epoch moves on, and it sells again only when both regions agree about every transfer.

The region that stays raises the lost one's epoch in its own database. Nobody takes the lost region's stock: it may be
selling still, unseen. When the two meet again, the fenced one stops, the transfers that were under way get their final
verdicts under the new epoch, and only then its stock is sold, or given, again: undersell, never oversell.
"""

from __future__ import annotations

from typing import Any

import asyncpg

from onair_common.database import Database
from order import stock

Connection = asyncpg.pool.PoolConnectionProxy
_IN_TRANSIT = "SELECT count(*) FROM transfers WHERE state = 'sent' AND source = $1"


async def status(database: Database, region: str) -> dict[str, Any]:
    """Return what the other region's worker asks for: epochs as known here, what is on its way, open sales."""
    rows = await database.fetch("SELECT region, epoch, reconciled FROM regions")
    transit = await database.fetch(_IN_TRANSIT, region)
    return {
        "epochs": {r["region"]: r["epoch"] for r in rows},
        "reconciled": {r["region"]: r["reconciled"] for r in rows},
        "inTransit": transit[0]["count"],
        "sales": await stock.demand(database, region),
    }


async def fenced(database: Database, region: str) -> bool:
    """Tell whether a region is fenced and not yet reconciled."""
    rows = await database.fetch("SELECT reconciled < epoch AS fenced FROM regions WHERE region = $1", region)
    return bool(rows) and bool(rows[0]["fenced"])


async def fence(connection: Connection, region: str) -> int:
    """Raise the epoch of a lost region, here; returns the new one. Nothing is sent to it until it is reconciled."""
    await stock.ensure_region(connection, region)
    return int(
        await connection.fetchval("UPDATE regions SET epoch = epoch + 1 WHERE region = $1 RETURNING epoch", region)
    )


async def learn(connection: Connection, region: str, epoch: int) -> bool:
    """Take over a newer epoch of this region that the other one knows: it stops selling. True when it was news."""
    await stock.ensure_region(connection, region)
    news = await connection.fetchval(
        "UPDATE regions SET epoch = $2 WHERE region = $1 AND epoch < $2 RETURNING true", region, epoch
    )
    if news:
        # Whoever is taking from a bucket now ends first; what begins later sees an old epoch and gets nothing.
        await connection.execute(
            "SELECT 1 FROM allotments WHERE region = $1 ORDER BY sale, sku, bucket FOR UPDATE", region
        )
    return bool(news)


async def reconcile(database: Database, region: str, peer: str, told: dict[str, Any]) -> None:
    """Bring this region's view of epochs together with the other's `status`; both call it until they agree."""
    async with database.transaction() as connection:
        for name in (region, peer):
            await stock.ensure_region(connection, name)
        await learn(connection, region, told["epochs"].get(region, 1))
        transit = await connection.fetchval(_IN_TRANSIT, region)
        # Nothing of either side without a verdict: what was sent to the old epoch is received or refused for good.
        if transit == 0 and told["inTransit"] == 0:
            await adopt(connection, region)
        if told["reconciled"].get(peer, 0) == told["epochs"].get(peer, 1):
            await reconciled(connection, peer, told["epochs"].get(peer, 1))


async def adopt(connection: Connection, region: str) -> None:
    """Bring a fenced region's stock under its new epoch: it sells again."""
    await connection.execute(
        "UPDATE allotments a SET epoch = r.epoch FROM regions r"
        " WHERE a.region = $1 AND r.region = $1 AND a.epoch < r.epoch",
        region,
    )
    await reconciled(connection, region, None)


async def reconciled(connection: Connection, region: str, epoch: int | None) -> bool:
    """Note that a region is reconciled at an epoch (its newest one, for None); False when that is not its epoch."""
    return bool(
        await connection.fetchval(
            "UPDATE regions SET reconciled = epoch WHERE region = $1 AND reconciled < epoch"
            " AND ($2::integer IS NULL OR epoch = $2) RETURNING true",
            *(region, epoch),
        )
    )
