"""Holds: stock set aside for a viewer until it expires.

Concurrent holds of one sale share a statement and a commit: the more come at once, the less each costs. A hot sale's
stock lies in several buckets, and each statement takes a free one (SKIP LOCKED): pods do not wait for each other.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from onair_common.database import Database
from order import stock

BATCH = 256
"""Holds that one statement takes at most."""
BUCKETS = stock.BUCKETS
EXPIRED_AT_ONCE = 500
_RETRIES = 3

Refusal = Literal["unknown", "closed", "sold-out", "reconciling", "other-body"]


@dataclass(frozen=True)
class Wanted:
    """One request for a hold; ``id`` is its idempotency key."""

    id: str
    sale: str
    sku: str
    quantity: int
    viewer: str
    fingerprint: bytes


@dataclass(frozen=True)
class Hold:
    """Stock that is held; the amount is for all of its units."""

    id: str
    expires_at: datetime
    minor: int
    currency: str


# The rows that are asked for anew take, the smallest first, what one unlocked bucket has. A row that another pod
# inserts at the same moment fails the whole statement (unique key): nothing is taken without its hold.
_GRANT = """
WITH asked AS (
    SELECT * FROM unnest($3::text[], $4::int[], $5::text[], $6::bytea[]) WITH ORDINALITY
        AS a (id, quantity, viewer, fingerprint, n)
), known AS (
    SELECT h.id, h.expires_at, h.quantity, h.fingerprint FROM holds h JOIN asked USING (id)
), fresh AS (
    SELECT asked.*, sum(quantity) OVER (ORDER BY quantity, n) AS upto FROM asked WHERE id NOT IN (SELECT id FROM known)
), sale AS (
    SELECT s.sku, s.minor, s.currency, r.epoch FROM sales s JOIN regions r ON r.region = $2
    WHERE s.id = $1 AND s.sku = $10 AND s.state = 'open' AND s.closes > now() AND r.epoch = r.reconciled
), picked AS (
    SELECT a.sku, a.bucket, a.available FROM allotments a JOIN sale USING (sku, epoch)
    WHERE a.sale = $1 AND a.region = $2 AND a.available > 0
      AND a.available >= (SELECT min(quantity) FROM fresh)
    ORDER BY a.available < (SELECT max(upto) FROM fresh), (a.bucket + $7::int) % $8::int
    LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), granted AS (
    SELECT fresh.*, picked.sku, picked.bucket FROM fresh CROSS JOIN picked WHERE fresh.upto <= picked.available
), taken AS (
    UPDATE allotments a SET available = a.available - (SELECT sum(quantity) FROM granted)
    FROM picked WHERE a.sale = $1 AND a.region = $2 AND a.sku = picked.sku AND a.bucket = picked.bucket
      AND EXISTS (SELECT 1 FROM granted)
), held AS (
    INSERT INTO holds (id, sale, sku, bucket, quantity, viewer, fingerprint, expires_at)
    SELECT id, $1, sku, bucket, quantity, viewer, fingerprint, now() + make_interval(secs => $9)
    FROM granted ORDER BY id
    RETURNING id, expires_at, quantity, fingerprint
)
SELECT f.id, f.expires_at, f.fingerprint, f.quantity * s.minor AS minor, s.currency
FROM (SELECT * FROM known UNION ALL SELECT * FROM held) f JOIN sales s ON s.id = $1
"""

_WHY = """
SELECT s.sku, s.state = 'open' AND s.closes > now() AS open, r.epoch = r.reconciled AS sells,
       (SELECT coalesce(sum(available), 0) FROM allotments a
        WHERE a.sale = s.id AND a.region = r.region AND a.epoch = r.epoch) AS left
FROM sales s, regions r WHERE s.id = $1 AND r.region = $2 AND s.sku = $3
"""

_Answer = Hold | Refusal
_Item = tuple[str, str]
"""A sale, and the item that it sells: who asks for another one gets nothing."""


class Holds:
    """Places holds of one region; see the module for how.

    Parameters
    ----------
    lifetime : float
        Seconds until a hold expires.
    """

    def __init__(self, database: Database, region: str, lifetime: float) -> None:
        self._db, self._region, self._lifetime = database, region, lifetime
        self._serving: set[asyncio.Task[None]] = set()
        self._waiting: dict[_Item, deque[tuple[Wanted, asyncio.Future[_Answer]]]] = {}

    async def place(self, wanted: Wanted) -> Hold | Refusal:
        """Hold what is wanted; the same request again gets the same hold.

        Raises
        ------
        Exception
            One of `onair_common.database.AWAY` when the database is away: then nothing may be assumed.
        """
        future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        item = wanted.sale, wanted.sku
        waiting = self._waiting.get(item)
        if waiting is None:
            waiting = self._waiting[item] = deque()
            # A task of its own: a client that leaves must not take the others' statement with it.
            task = asyncio.create_task(self._serve(item, waiting))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        waiting.append((wanted, future))
        return await future

    async def _serve(self, item: _Item, waiting: deque[tuple[Wanted, asyncio.Future[_Answer]]]) -> None:
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
                try:
                    answers = await self.place_all([wanted for wanted, _ in batch])
                except Exception as error:
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        finally:
            del self._waiting[item]

    async def place_all(self, wanted: Sequence[Wanted]) -> list[_Answer]:
        """Place holds of one sale's item together; answers are in the order of `wanted`."""
        item = wanted[0].sale, wanted[0].sku
        # The same key twice in one batch: one request, and the other is judged by what became of it.
        left = {w.id: w for w in wanted}
        found: dict[str, tuple[bytes, Hold]] = {}
        await self._grant(item, left, found)
        refusal: Refusal = "sold-out"
        if left:
            refusal = await self._refuse_or_gather(item, left, found)
        return [_answer(w, found.get(w.id), refusal) for w in wanted]

    async def _grant(self, item: _Item, left: dict[str, Wanted], found: dict[str, tuple[bytes, Hold]]) -> None:
        """Move from `left` to `found` what unlocked buckets allow."""
        pool = await self._db.pool()
        while left:
            for attempt in range(_RETRIES):
                try:
                    rows = await pool.fetch(_GRANT, *self._arguments(item, left))
                    break
                except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                    # Another pod placed one of these keys at the same moment: now it is known.
                    if attempt == _RETRIES - 1:
                        raise
            if not _take(rows, left, found):
                return

    async def _refuse_or_gather(
        self, item: _Item, left: dict[str, Wanted], found: dict[str, tuple[bytes, Hold]]
    ) -> Refusal:
        """Say why nothing was granted; when there is stock after all, lock all of it and try once more."""
        sale, sku = item
        rows = await self._db.fetch(_WHY, sale, self._region, sku)
        if not rows:
            return "unknown"
        why = rows[0]
        if not why["open"]:
            return "closed"
        if not why["sells"]:
            return "reconciling"
        if why["left"] >= min(w.quantity for w in left.values()):
            async with self._db.transaction() as connection:
                # Scattered over buckets, or all of them in use: one bucket takes what all have.
                await stock.gather(connection, sale, self._region)
                while left:
                    try:
                        async with connection.transaction():
                            rows = await connection.fetch(_GRANT, *self._arguments(item, left))
                    except asyncpg.UniqueViolationError:
                        continue
                    if not _take(rows, left, found):
                        break
        return "sold-out"

    def _arguments(self, item: _Item, left: dict[str, Wanted]) -> tuple[object, ...]:
        asked = list(left.values())
        return (
            item[0],
            self._region,
            [w.id for w in asked],
            [w.quantity for w in asked],
            [w.viewer for w in asked],
            [w.fingerprint for w in asked],
            random.randrange(BUCKETS),  # noqa: S311  where to begin to look, not a secret
            BUCKETS,
            self._lifetime,
            item[1],
        )


def _take(rows: Sequence[asyncpg.Record], left: dict[str, Wanted], found: dict[str, tuple[bytes, Hold]]) -> bool:
    for row in rows:
        left.pop(row["id"], None)
        found[row["id"]] = row["fingerprint"], Hold(row["id"], row["expires_at"], row["minor"], row["currency"])
    return bool(rows)


def _answer(wanted: Wanted, found: tuple[bytes, Hold] | None, refusal: Refusal) -> _Answer:
    if found is None:
        return refusal
    fingerprint, hold = found
    return hold if fingerprint == wanted.fingerprint else "other-body"


_EXPIRE = """
WITH due AS (
    SELECT id, sale, sku, bucket, quantity FROM holds WHERE state = 'held' AND expires_at <= now()
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    UPDATE holds SET state = 'expired' WHERE id IN (SELECT id FROM due)
), per_bucket AS (
    SELECT sale, sku, bucket, sum(quantity) AS units FROM due GROUP BY sale, sku, bucket
), locked AS (
    SELECT a.sale, a.sku, a.bucket, p.units FROM allotments a JOIN per_bucket p USING (sale, sku, bucket)
    WHERE a.region = $1 ORDER BY a.sale, a.sku, a.bucket FOR UPDATE OF a
), back AS (
    UPDATE allotments a SET available = a.available + l.units FROM locked l
    WHERE a.region = $1 AND a.sale = l.sale AND a.sku = l.sku AND a.bucket = l.bucket
)
SELECT count(*) AS expired FROM due
"""


async def expire(database: Database, region: str) -> int:
    """Give the stock of expired holds back, `EXPIRED_AT_ONCE` of them at most; returns how many."""
    rows = await database.fetch(_EXPIRE, region, EXPIRED_AT_ONCE)
    return int(rows[0]["expired"])
