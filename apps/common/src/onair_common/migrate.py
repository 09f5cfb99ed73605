"""``python -m onair_common.migrate``: bring the database of a service (SERVICE_NAME) to its version's schema.

Safe to run many times and at once.
"""

from __future__ import annotations

import asyncio
import sys
import time

import asyncpg
import structlog

from onair_common import logs, migrations, settings

# Any constant serves: it names the lock of this runner within the database.
LOCK_KEY = 0x6F6E6169
LOCK_SECONDS = 5
"""Who waits for a table's lock makes all others wait behind it: a statement gives up soon, the Job tries again."""
_log = structlog.get_logger("migrate")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


async def connect(wait_seconds: float) -> asyncpg.Connection:
    """Connect as the PG* environment says, waiting for the server to come up.

    Raises
    ------
    migrations.MigrationError
        When it is not there after `wait_seconds`.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return await asyncpg.connect(timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            if time.monotonic() >= deadline:
                message = (
                    f"no database after {wait_seconds:g} s ({error!r}); check the Secret of the database and PostgreSQL"
                )
                raise migrations.MigrationError(message) from error
            _log.info("waiting for the database", error=repr(error))
            await asyncio.sleep(1)


async def apply(connection: asyncpg.Connection, known: list[migrations.Migration]) -> list[str]:
    """Apply what is pending, each file in its own transaction, and return the names.

    Raises
    ------
    migrations.MigrationError
        When an applied file was changed, or a file fails (the database stays at the version before it).
    """
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    try:
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT version, checksum FROM schema_migrations")
        left = migrations.pending(known, {row["version"]: row["checksum"] for row in rows})
        for migration in left:
            try:
                async with connection.transaction():
                    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                    await connection.execute(migration.sql)
                    await connection.execute(
                        "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                        migration.version,
                        migration.name,
                        migration.checksum,
                    )
            except asyncpg.PostgresError as error:
                raise migrations.MigrationError(
                    f"migrations/{migration.name}: {error}; nothing of it was kept"
                ) from error
            _log.info("applied", migration=migration.name)
        return [m.name for m in left]
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def run(package: str, wait_seconds: float) -> list[str]:
    """Connect, migrate, disconnect; returns the names of the applied files."""
    connection = await connect(wait_seconds)
    try:
        return await apply(connection, migrations.load(package))
    finally:
        await connection.close()


def main(package: str | None = None) -> int:
    """Return 0 when the schema is this version's, 1 when it could not be brought there."""
    try:
        service = package or settings.text("SERVICE_NAME")
        logs.configure(f"{service}-migrate", settings.text("REGION", "-"), settings.text("VERSION", "dev"))
        applied = asyncio.run(run(service, settings.number("WAIT_SECONDS", 300)))
    except (migrations.MigrationError, settings.SettingError) as error:
        _log.error("migration failed", error=str(error))
        return 1
    _log.info("schema is current", applied=applied)
    return 0


if __name__ == "__main__":
    sys.exit(main())
