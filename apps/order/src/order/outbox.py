"""The transactional outbox: what must happen after a change is written with it, and told to the queue later."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from asyncpg.pool import PoolConnectionProxy

from onair_common.database import Database

CHANNEL = "outbox"
BATCH = 100
Topic = Literal["payment", "transfer", "forward", "callback", "sale-closed"]
Message = dict[str, Any]


async def put(connection: PoolConnectionProxy, topic: Topic, body: Mapping[str, Any]) -> None:
    """Write a message in the transaction of the change that it follows from; its commit wakes the relay."""
    await connection.execute(
        "INSERT INTO outbox (topic, body) VALUES ($1, $2::jsonb)", topic, json.dumps(body, separators=(",", ":"))
    )
    await connection.execute(f"NOTIFY {CHANNEL}")


async def relay(database: Database, send: Callable[[list[Message]], Awaitable[None]]) -> int:
    """Hand a batch of messages to the queue, oldest first, and forget them; returns how many.

    A message is forgotten only when the queue took it: one may be sent twice, none is lost.
    Several relays share the work.
    """
    async with database.transaction() as connection:
        rows = await connection.fetch(
            "SELECT id, topic, body FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED", BATCH
        )
        if rows:
            await send([{"topic": r["topic"], **json.loads(r["body"])} for r in rows])
            await connection.execute("DELETE FROM outbox WHERE id = ANY ($1::bigint[])", [r["id"] for r in rows])
        return len(rows)
