"""A service's PostgreSQL: a pool that tolerates a database that comes later or goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
"""What a statement raises when the database is away or cannot answer."""


class Database:
    """Connection pool, made at first use so that the service starts before its database.

    Parameters
    ----------
    size : int
        Most connections of this process; PostgreSQL's max_connections counts those of all pods.
    connect : Any
        asyncpg's connection arguments; the PG* environment by default.
    """

    def __init__(self, size: int = 4, **connect: Any) -> None:
        self._size, self._connect = size, connect
        self._pool: asyncpg.Pool | None = None
        self._making = asyncio.Lock()

    async def pool(self) -> asyncpg.Pool:
        """Return the pool; raises one of `AWAY` when it cannot be made."""
        if self._pool is None:
            async with self._making:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        min_size=1, max_size=self._size, timeout=2, command_timeout=2, **self._connect
                    )
        return self._pool

    async def connect(self) -> asyncpg.Connection:
        """Return a connection outside the pool, for who listens; raises one of `AWAY`."""
        return await asyncpg.connect(timeout=2, **self._connect)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement; raises one of `AWAY` within 3 s when the database is away."""
        async with asyncio.timeout(3):
            rows: list[asyncpg.Record] = await (await self.pool()).fetch(query, *args)
            return rows

    @asynccontextmanager
    async def transaction(self, seconds: float = 5) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """Hold one connection in a transaction; raises one of `AWAY` when all of it takes longer than `seconds`."""
        async with asyncio.timeout(seconds), (await self.pool()).acquire() as connection, connection.transaction():
            yield connection

    async def schema_version(self) -> int:
        """Return the highest applied migration, 0 when there is none."""
        try:
            rows = await self.fetch("SELECT coalesce(max(version), 0) AS version FROM schema_migrations")
        except asyncpg.UndefinedTableError:
            return 0
        return int(rows[0]["version"])

    def ready(self, wanted: int) -> Callable[[], Awaitable[str | None]]:
        """Return a readiness check: the database answers, with schema `wanted` or a later one."""

        async def ready() -> str | None:
            try:
                version = await self.schema_version()
            except AWAY as error:
                return f"database away: {error!r}"
            return None if version >= wanted else f"schema {version}, this version needs {wanted}"

        return ready

    async def close(self) -> None:
        """Close the pool's connections."""
        if self._pool is not None:
            self._pool.terminate()
