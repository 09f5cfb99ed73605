"""A lease: at most one holder at a time, by a row with expiry and epoch."""

from __future__ import annotations

from asyncpg.pool import PoolConnectionProxy

from onair_common.database import Database

SECONDS = 15.0

_ACQUIRE = """
INSERT INTO leases (name, holder, epoch, expires_at) VALUES ($1, $2, 1, now() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET holder = $2, expires_at = now() + make_interval(secs => $3),
    epoch = leases.epoch + (leases.holder <> $2)::int
WHERE leases.holder = $2 OR leases.expires_at < now()
RETURNING epoch
"""


class Lease:
    """One name's lease, as one holder sees it; the database's clock decides."""

    def __init__(self, database: Database, name: str, holder: str, seconds: float = SECONDS) -> None:
        self._db, self._name, self._holder, self._seconds = database, name, holder, seconds
        self.epoch = 0

    async def acquire(self) -> bool:
        """Take or renew the lease; False while another holds it."""
        rows = await self._db.fetch(_ACQUIRE, self._name, self._holder, self._seconds)
        self.epoch = rows[0]["epoch"] if rows else 0
        return bool(rows)

    async def still(self, connection: PoolConnectionProxy) -> bool:
        """Tell within a transaction whether the lease is held, and keep it so until its end.

        Who was paused for longer than the lease finds another epoch here, and changes nothing.
        """
        return bool(
            await connection.fetchval(
                "SELECT true FROM leases WHERE name = $1 AND holder = $2 AND epoch = $3 AND expires_at > now()"
                " FOR SHARE",
                *(self._name, self._holder, self.epoch),
            )
        )

    async def release(self) -> None:
        """Let another take it at once."""
        await self._db.fetch(
            "UPDATE leases SET expires_at = now() WHERE name = $1 AND holder = $2 AND epoch = $3",
            *(self._name, self._holder, self.epoch),
        )
