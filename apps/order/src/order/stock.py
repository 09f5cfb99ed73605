"""Sales and their stock in this region: opening, closing, what is left, spreading over buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from onair_common.database import Database
from order import outbox
from order.keys import fingerprint, new
from order.rebalance import spread

BUCKETS = 8
"""Rows over which a sale's stock of one region is spread: twice the pods that take from it."""
DEMAND_SECONDS = 60.0
Connection = asyncpg.pool.PoolConnectionProxy


@dataclass(frozen=True)
class Sale:
    """A sale as a region opens it: what is the same everywhere, and this region's price."""

    id: str
    show: str
    sku: str
    home: str
    issued: int
    closes: datetime
    minor: int
    currency: str

    @property
    def fingerprint(self) -> bytes:
        """What must be the same when the sale is opened again; the price is fixed by the first opening."""
        return fingerprint(self.id, self.show, self.sku, self.home, self.issued, self.closes.isoformat())


async def ensure_region(connection: Connection, region: str) -> None:
    """Make a region known at epoch 1."""
    await connection.execute("INSERT INTO regions (region) VALUES ($1) ON CONFLICT DO NOTHING", region)


async def add_sale(connection: Connection, sale: Sale, region: str) -> Literal["new", "known", "other"]:
    """Write a sale and its empty buckets; ``other`` when a sale of other facts has its id."""
    await ensure_region(connection, region)
    fresh = await connection.fetchval(
        "INSERT INTO sales (id, show_id, sku, home_region, issued, minor, currency, closes, fingerprint)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING true",
        *(sale.id, sale.show, sale.sku, sale.home, sale.issued, sale.minor, sale.currency, sale.closes),
        sale.fingerprint,
    )
    if not fresh:
        known = await connection.fetchval("SELECT fingerprint FROM sales WHERE id = $1", sale.id)
        return "known" if known == sale.fingerprint else "other"
    await connection.execute(
        "INSERT INTO allotments (sale, sku, region, bucket, available, epoch)"
        " SELECT $1, $2, $3, n, 0, (SELECT epoch FROM regions WHERE region = $3) FROM generate_series(0, $4 - 1) n",
        *(sale.id, sale.sku, region, BUCKETS),
    )
    return "new"


async def issue(connection: Connection, sale: Sale, region: str, quantity: Mapping[str, int]) -> bool:
    """Open a sale at its home: own stock into buckets, the other region's on its way as a transfer.

    Returns False when a sale with other facts has this id; opening the same again changes nothing.
    """
    written = await add_sale(connection, sale, region)
    if written != "new":
        return written == "known"
    await put(connection, sale.id, region, quantity.get(region, 0))
    for destination, units in sorted(quantity.items()):
        if destination != region and units:
            await send(connection, sale.id, region, destination, units)
    return True


async def send(connection: Connection, sale: str, source: str, destination: str, units: int) -> str:
    """Write an outgoing transfer, whose stock left the buckets in this transaction, and ask for its delivery."""
    await ensure_region(connection, destination)
    transfer = new(source)
    await connection.execute(
        "INSERT INTO transfers (id, direction, sale, source, destination, quantity, destination_epoch, state)"
        " SELECT $1, 'outgoing', $2, $3, $4, $5, epoch, 'sent' FROM regions WHERE region = $4",
        *(transfer, sale, source, destination, units),
    )
    await outbox.put(connection, "transfer", {"id": transfer})
    return transfer


async def put(connection: Connection, sale: str, region: str, units: int) -> None:
    """Add units to a sale's buckets, evenly."""
    buckets = await _lock(connection, sale, region)
    await _write(connection, sale, region, spread(sum(b["available"] for b in buckets) + units, len(buckets)))


async def take(connection: Connection, sale: str, region: str, units: int) -> bool:
    """Take units out of a sale's buckets; False when there are not so many, or the region is fenced."""
    buckets = await _lock(connection, sale, region)
    left = sum(b["available"] for b in buckets) - units
    if left < 0 or not buckets or any(b["fenced"] for b in buckets):
        return False
    await _write(connection, sale, region, spread(left, len(buckets)))
    return True


async def gather(connection: Connection, sale: str, region: str) -> None:
    """Move all stock of a sale into its first bucket: the last units must not lie scattered."""
    buckets = await _lock(connection, sale, region)
    total = sum(b["available"] for b in buckets)
    await _write(connection, sale, region, [total, *[0] * (len(buckets) - 1)])


async def even_out(connection: Connection, sale: str, region: str) -> None:
    """Spread a sale's stock evenly over its buckets again."""
    await put(connection, sale, region, 0)


async def _lock(connection: Connection, sale: str, region: str) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        "SELECT a.bucket, a.available, a.epoch < r.epoch OR r.reconciled < r.epoch AS fenced"
        " FROM allotments a JOIN regions r USING (region)"
        " WHERE a.sale = $1 AND a.region = $2 ORDER BY a.sale, a.sku, a.bucket FOR UPDATE OF a",
        *(sale, region),
    )
    return rows


async def _write(connection: Connection, sale: str, region: str, amounts: list[int]) -> None:
    await connection.execute(
        "UPDATE allotments a SET available = n.available FROM unnest($3::int[]) WITH ORDINALITY AS n (available, place)"
        " WHERE a.sale = $1 AND a.region = $2 AND a.bucket = n.place - 1 AND a.available <> n.available",
        *(sale, region, amounts),
    )


_SALES = """
SELECT s.id, s.show_id, s.sku, s.home_region, s.minor, s.currency, s.closes, now() AS now,
       CASE WHEN s.state = 'open' AND s.closes > now() THEN 'open' ELSE 'closed' END AS state,
       (SELECT coalesce(sum(available), 0) FROM allotments a WHERE a.sale = s.id AND a.region = $1) AS left
FROM sales s WHERE ($2::text IS NULL OR s.id = $2) AND ($3::text IS NULL OR s.show_id = $3)
ORDER BY s.opened_at DESC LIMIT 100
"""


async def sales(
    database: Database, region: str, sale: str | None = None, show: str | None = None
) -> list[dict[str, Any]]:
    """Return sales in API form, the newest first: the one asked for, or those of a show."""
    return [
        {
            "sale": r["id"],
            "show": r["show_id"],
            "sku": r["sku"],
            "state": r["state"],
            "region": region,
            "home": r["home_region"],
            "left": r["left"],
            "price": {"minor": r["minor"], "currency": r["currency"]},
            "closes": r["closes"].isoformat(),
        }
        for r in await database.fetch(_SALES, region, sale, show)
    ]


async def close(connection: Connection, sale: str) -> bool | None:
    """Close a sale here; True when it was open, False when it was closed already, None when there is none."""
    before = await connection.fetchval("SELECT state FROM sales WHERE id = $1 FOR UPDATE", sale)
    if before is None:
        return None
    await connection.execute("UPDATE sales SET state = 'closed' WHERE id = $1", sale)
    return bool(before == "open")


_DEMAND = """
SELECT s.id,
       (SELECT coalesce(sum(available), 0) FROM allotments a WHERE a.sale = s.id AND a.region = $1) AS left,
       (SELECT coalesce(sum(quantity), 0) FROM holds h
        WHERE h.sale = s.id AND h.created_at > now() - make_interval(secs => $2)) AS asked,
       (SELECT count(*) FROM allotments a WHERE a.sale = s.id AND a.region = $1 AND a.available > 0) AS buckets
FROM sales s WHERE s.state = 'open' AND s.closes > now()
"""


async def demand(database: Database, region: str) -> dict[str, dict[str, int]]:
    """Return units left, units held lately and buckets with stock of every open sale in this region."""
    rows = await database.fetch(_DEMAND, region, DEMAND_SECONDS)
    return {r["id"]: {"left": r["left"], "asked": r["asked"], "buckets": r["buckets"]} for r in rows}


async def figures(database: Database, region: str, show: str) -> dict[str, Any]:
    """Return a show's orders, revenue and stock left in this region, for its seller."""
    rows = await database.fetch(
        "SELECT count(*) FILTER (WHERE state = 'paid') AS orders,"
        " coalesce(sum(minor) FILTER (WHERE state = 'paid'), 0) AS minor FROM orders WHERE show_id = $1",
        show,
    )
    found = await sales(database, region, show=show)
    left = sum(s["left"] for s in found if s["state"] == "open")
    return {"orders": rows[0]["orders"], "revenue": {"minor": int(rows[0]["minor"])}, "left": left, "region": region}
