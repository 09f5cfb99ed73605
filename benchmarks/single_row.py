"""What holds are measured against: the same service, whose holds lock one row of stock each, as is usual."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from onair_common import serve
from onair_common.database import Database
from order import context
from order.holds import Hold, Refusal, Wanted

LOCK = "SELECT bucket, available FROM allotments WHERE sale = $1 AND region = $2 AND bucket = 0 FOR UPDATE"
TAKE = "UPDATE allotments SET available = available - $3 WHERE sale = $1 AND region = $2 AND bucket = 0"
KNOWN = "SELECT h.expires_at, h.fingerprint, h.quantity FROM holds h WHERE id = $1"
INSERT = (
    "INSERT INTO holds (id, sale, sku, bucket, quantity, viewer, fingerprint, expires_at)"
    " VALUES ($1, $2, $3, 0, $4, $5, $6, $7)"
)


class SingleRow:
    """Places each hold in a transaction of its own, on one row."""

    def __init__(self, database: Database, region: str, lifetime: float) -> None:
        self._db, self._region, self._lifetime = database, region, lifetime

    async def place(self, wanted: Wanted) -> Hold | Refusal:
        """Lock, look, take, write: the same answers as `order.holds.Holds`."""
        async with self._db.transaction(30) as connection:
            sale = await connection.fetchrow(
                "SELECT minor, currency FROM sales WHERE id = $1 AND state = 'open' AND closes > now()", wanted.sale
            )
            if sale is None:
                return "closed"
            stock = await connection.fetchrow(LOCK, wanted.sale, self._region)
            known = await connection.fetchrow(KNOWN, wanted.id)
            amount: tuple[Any, Any] = (sale["minor"] * wanted.quantity, sale["currency"])
            if known is not None:
                same = known["fingerprint"] == wanted.fingerprint
                return Hold(wanted.id, known["expires_at"], *amount) if same else "other-body"
            if stock is None or stock["available"] < wanted.quantity:
                return "sold-out"
            await connection.execute(TAKE, wanted.sale, self._region, wanted.quantity)
            expires = datetime.now(UTC) + timedelta(seconds=self._lifetime)
            row = (wanted.id, wanted.sale, wanted.sku, wanted.quantity, wanted.viewer, wanted.fingerprint, expires)
            await connection.execute(INSERT, *row)
            return Hold(wanted.id, expires, *amount)


if __name__ == "__main__":
    vars(context)["Holds"] = SingleRow
    sys.exit(serve.main())
