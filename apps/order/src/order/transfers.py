"""Stock on its way between the regions: a durable row at both ends, each step idempotent by the transfer's id.

The source takes the units out of its buckets when it writes its row. The destination writes once, for good, whether it
received or refused them; only a refusal gives them back. Until the source knows which, they are in transit, nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from onair_common.database import Database
from order import stock
from order.stock import Sale

Connection = asyncpg.pool.PoolConnectionProxy
Verdict = Literal["received", "refused"]


@dataclass(frozen=True)
class Transfer:
    """What a destination is told; ``epoch`` is the destination's as its source knew it."""

    id: str
    sale: str
    source: str
    destination: str
    quantity: int
    epoch: int


_SENT = """
SELECT t.id, t.sale, t.source, t.destination, t.quantity, t.destination_epoch,
       s.show_id, s.sku, s.home_region, s.issued, s.closes, s.state = 'closed' AS closed
FROM transfers t JOIN sales s ON s.id = t.sale WHERE t.id = $1 AND t.direction = 'outgoing' AND t.state = 'sent'
"""


async def message(database: Database, transfer: str) -> dict[str, Any] | None:
    """Return what to tell the destination; None when it is settled already."""
    rows = await database.fetch(_SENT, transfer)
    if not rows:
        return None
    row = rows[0]
    return {
        "id": row["id"],
        "source": row["source"],
        "destination": row["destination"],
        "quantity": row["quantity"],
        "epoch": row["destination_epoch"],
        "closed": row["closed"],
        "sale": {
            "id": row["sale"],
            "show": row["show_id"],
            "sku": row["sku"],
            "home": row["home_region"],
            "issued": row["issued"],
            "closes": row["closes"].isoformat(),
        },
    }


def read_sale(told: dict[str, Any], minor: int, currency: str) -> Sale:
    """Return the sale of a message, with this region's price."""
    closes = datetime.fromisoformat(told["closes"])
    return Sale(told["id"], told["show"], told["sku"], told["home"], told["issued"], closes, minor, currency)


async def receive(connection: Connection, transfer: Transfer, sale: Sale | None) -> Verdict:
    """Take a transfer in, or refuse it for good; the same again gets the same verdict.

    Refused: a transfer that was sent to an earlier epoch of this region, and one whose sale is another here, or none.
    """
    region = transfer.destination
    await stock.ensure_region(connection, region)
    # Locks the epoch: a fence waits for this transfer, or this transfer sees the fence.
    epoch = await connection.fetchval("SELECT epoch FROM regions WHERE region = $1 FOR SHARE", region)
    verdict: Verdict = "refused"
    if sale is not None and transfer.epoch == epoch and await stock.add_sale(connection, sale, region) != "other":
        verdict = "received"
    fresh = await connection.fetchval(
        "INSERT INTO transfers (id, direction, sale, source, destination, quantity, destination_epoch, state)"
        " VALUES ($1, 'incoming', $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true",
        *(transfer.id, transfer.sale, transfer.source, region, transfer.quantity, transfer.epoch, verdict),
    )
    if not fresh:
        return str(await connection.fetchval("SELECT state FROM transfers WHERE id = $1", transfer.id))  # type: ignore[return-value]
    if verdict == "received":
        await stock.put(connection, transfer.sale, region, transfer.quantity)
    return verdict


async def conclude(connection: Connection, transfer: str, verdict: Verdict) -> bool:
    """Write the destination's verdict at the source, once: what was refused is available here again."""
    row = await connection.fetchrow(
        "UPDATE transfers SET state = $2 WHERE id = $1 AND direction = 'outgoing' AND state = 'sent'"
        " RETURNING sale, source, quantity",
        *(transfer, "settled" if verdict == "received" else "returned"),
    )
    if row is not None and verdict == "refused":
        await stock.put(connection, row["sale"], row["source"], row["quantity"])
    return row is not None


async def unsettled(database: Database, seconds: float, limit: int = 50) -> list[str]:
    """Return transfers that are without a verdict for so long, and count them as tried now."""
    rows = await database.fetch(
        "UPDATE transfers SET tried_at = now() WHERE id IN (SELECT id FROM transfers WHERE state = 'sent'"
        " AND tried_at < now() - make_interval(secs => $1) ORDER BY tried_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        " RETURNING id",
        *(seconds, limit),
    )
    return [row["id"] for row in rows]
