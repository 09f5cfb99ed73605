"""Orders: placed on a hold, settled by the payment provider's word, with an audit row for every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from onair_common.database import Database
from order import outbox
from order.machine import CHANGES, Outcome, State, after, hold_after

Connection = asyncpg.pool.PoolConnectionProxy
Refusal = Literal["unknown-hold", "expired-hold", "other-body", "reconciling"]


@dataclass(frozen=True)
class Actor:
    """Who changes an order, and from where: a viewer's id or a part's name; region, pod or remote service."""

    who: str
    origin: str


@dataclass(frozen=True)
class Asked:
    """One request to order; ``key`` is its idempotency key."""

    key: str
    hold: str
    token: str
    viewer: str
    fingerprint: bytes


_ORDER = """
SELECT key, sale, show_id, sku, quantity, viewer, minor, currency, state, created_at, fingerprint FROM orders
"""
_PLACE = """
INSERT INTO orders (key, hold, sale, show_id, sku, quantity, viewer, minor, currency, fingerprint, token)
SELECT $1, h.id, h.sale, s.show_id, h.sku, h.quantity, h.viewer, h.quantity * s.minor, s.currency, $3, $4
FROM holds h JOIN sales s ON s.id = h.sale WHERE h.id = $2
"""
_AUDIT = """
INSERT INTO order_audit (order_key, who, origin, from_state, to_state, reason) VALUES ($1, $2, $3, $4, $5, $6)
"""


def shown(row: asyncpg.Record, region: str) -> dict[str, Any]:
    """Return an order in API form."""
    return {
        "order": row["key"],
        "state": row["state"],
        "sale": row["sale"],
        "show": row["show_id"],
        "sku": row["sku"],
        "quantity": row["quantity"],
        "amount": {"minor": row["minor"], "currency": row["currency"]},
        "region": region,
        "createdAt": row["created_at"].isoformat(),
    }


async def place(connection: Connection, asked: Asked, actor: Actor) -> asyncpg.Record | Refusal:
    """Turn a hold into an order that is being paid; the same request again gets the same order.

    From here on the hold does not expire: the stock is the order's until the provider has spoken.
    """
    # The hold's lock orders requests with one key, and requests for one hold.
    hold = await connection.fetchrow(
        "SELECT viewer, state, expires_at > now() AS lives FROM holds WHERE id = $1 FOR UPDATE", asked.hold
    )
    known = await connection.fetchrow(f"{_ORDER} WHERE key = $1", asked.key)
    if known is not None:
        if known["viewer"] != asked.viewer or known["fingerprint"] != asked.fingerprint:
            return "other-body"
        return known
    if hold is None or hold["viewer"] != asked.viewer:
        return "unknown-hold"
    if hold["state"] != "held" or not hold["lives"]:
        return "expired-hold"
    await connection.execute("UPDATE holds SET state = 'ordered' WHERE id = $1", asked.hold)
    await connection.execute(_PLACE, asked.key, asked.hold, asked.fingerprint, asked.token)
    await connection.execute(_AUDIT, asked.key, actor.who, actor.origin, None, "paying", "placed")
    await outbox.put(connection, "payment", {"key": asked.key})
    placed: asyncpg.Record = (await connection.fetch(f"{_ORDER} WHERE key = $1", asked.key))[0]
    return placed


async def settle(connection: Connection, region: str, key: str, outcome: Outcome, actor: Actor) -> State | None:
    """Let the provider's word take effect, once; returns the new state, None when nothing changed.

    ``refunded`` means that the caller must have the money returned: the order had been given up before.
    """
    state = await connection.fetchval("SELECT state FROM orders WHERE key = $1 FOR UPDATE", key)
    following = after(state, outcome) if state else None
    if following is not None:
        await change(connection, region, key, following, actor=actor, reason=f"provider: {outcome}")
    return following


async def change(connection: Connection, region: str, key: str, following: State, *, actor: Actor, reason: str) -> None:
    """Change an order's state, and its hold and stock with it, and write down who did.

    Raises
    ------
    ValueError
        When the order's state does not lead there.
    """
    order = await connection.fetchrow("SELECT state, hold FROM orders WHERE key = $1 FOR UPDATE", key)
    if order is None or following not in CHANGES[order["state"]]:
        raise ValueError(f"order {key}: {order and order['state']} does not become {following}")
    await connection.execute("UPDATE orders SET state = $2 WHERE key = $1", key, following)
    await connection.execute(_AUDIT, key, actor.who, actor.origin, order["state"], following, reason)
    hold_state = hold_after(order["state"], following)
    if hold_state is not None:
        await connection.execute("UPDATE holds SET state = $2 WHERE id = $1", order["hold"], hold_state)
    if hold_state == "released":
        await connection.execute(
            "UPDATE allotments a SET available = a.available + h.quantity FROM holds h WHERE h.id = $1"
            " AND a.sale = h.sale AND a.sku = h.sku AND a.bucket = h.bucket AND a.region = $2",
            *(order["hold"], region),
        )


async def find(database: Database, key: str, viewer: str, region: str) -> dict[str, Any] | None:
    """Return a viewer's own order in API form; None for a key that is unknown or somebody else's."""
    rows = await database.fetch(f"{_ORDER} WHERE key = $1 AND viewer = $2", key, viewer)
    return shown(rows[0], region) if rows else None


async def of_viewer(database: Database, viewer: str, region: str) -> list[dict[str, Any]]:
    """Return a viewer's orders of this region, the newest first, 50 at most."""
    rows = await database.fetch(f"{_ORDER} WHERE viewer = $1 ORDER BY created_at DESC LIMIT 50", viewer)
    return [shown(row, region) for row in rows]


async def overdue(database: Database, seconds: float, limit: int = 50) -> list[str]:
    """Return orders whose provider has said nothing for so long, and count them as asked about now."""
    rows = await database.fetch(
        "UPDATE orders SET asked_at = now() WHERE key IN (SELECT key FROM orders WHERE state = 'paying'"
        " AND asked_at < now() - make_interval(secs => $1) ORDER BY asked_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        " RETURNING key",
        *(seconds, limit),
    )
    return [row["key"] for row in rows]
