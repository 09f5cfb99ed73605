"""The events' database: written for shows of this region, copied for those of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg

from live.journal import KEPT_A_SHOW, Conflict, Draft, Event, Gap, judge, turn_of
from live.programme import Show
from onair_common.database import Database

CHANNEL = "live_events"
BATCH = 500
_COLUMNS = "home, seq, id, show, kind, at, product, sku, sale, made_by, made_in, made_at"
_INSERT = f"INSERT INTO events ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"  # noqa: S608
_LOCK = """INSERT INTO positions (home, seq) VALUES ($1, 0)
           ON CONFLICT (home) DO UPDATE SET seq = positions.seq RETURNING seq"""


class Store(Database):
    """Events in PostgreSQL. Every method raises one of `AWAY` when the database is away."""

    async def begin(self) -> tuple[dict[str, int], list[Event]]:
        """Return how far each home region has come, and the latest events of every show, in order."""
        async with self.transaction() as connection:
            # One snapshot for both: an event between the two reads would be known and not there.
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            positions = await connection.fetch("SELECT home, seq FROM positions")
            rows = await connection.fetch(
                f"""SELECT {_COLUMNS} FROM (SELECT *, row_number() OVER (PARTITION BY show ORDER BY seq DESC) AS nth
                    FROM events) AS e WHERE nth <= $1 ORDER BY home, seq""",  # noqa: S608
                KEPT_A_SHOW,
            )
        return {r["home"]: r["seq"] for r in positions}, [_event(r) for r in rows]

    async def after(self, home: str, seq: int) -> list[Event]:
        """Return the next events of a home region, `BATCH` at most, in order."""
        rows = await self.fetch(
            f"SELECT {_COLUMNS} FROM events WHERE home = $1 AND seq > $2 ORDER BY seq LIMIT {BATCH}",  # noqa: S608
            home,
            seq,
        )
        return [_event(r) for r in rows]

    async def position(self, home: str) -> int:
        """Return how far a home region's events have come here."""
        rows = await self.fetch("SELECT seq FROM positions WHERE home = $1", home)
        return int(rows[0]["seq"]) if rows else 0

    async def record(self, draft: Draft, show: Show) -> Event:
        """Write a draft as its show's home region; one that was written before is returned as it was.

        Raises
        ------
        Conflict
            When the show's state does not allow it.
        """
        home = show.home_region
        async with self.transaction() as connection:
            seq = await connection.fetchval(_LOCK, home) + 1
            if known := await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM events WHERE home = $1 AND id = $2",  # noqa: S608
                home,
                draft.id,
            ):
                if (known["show"], known["kind"]) != (draft.show, draft.kind):
                    raise Conflict("other-event")
                return _event(known)
            last = await connection.fetchrow(
                f"""SELECT {_COLUMNS} FROM events WHERE show = $1 AND home = $2 AND kind IN ('start', 'end')
                    ORDER BY seq DESC LIMIT 1""",  # noqa: S608
                show.id,
                home,
            )
            judge(draft, show, turn_of(_event(last) if last else None))
            event = Event(**vars(draft), home=home, seq=seq)
            await self._append(connection, [event])
        return event

    async def copy(self, home: str, events: list[Event]) -> None:
        """Write the other region's events; those that are here already are passed over.

        Raises
        ------
        Gap
            When some are missing before them: nothing is written.
        """
        async with self.transaction() as connection:
            seq = await connection.fetchval(_LOCK, home)
            new = [event for event in events if event.seq > seq]
            if any(event.home != home or event.seq != seq + n for n, event in enumerate(new, 1)):
                raise Gap(f"{home}: {[event.seq for event in new][:3]} after {seq}")
            if new:
                await self._append(connection, new)

    @staticmethod
    async def _append(connection: asyncpg.pool.PoolConnectionProxy, events: list[Event]) -> None:
        await connection.executemany(_INSERT, [_row(event) for event in events])
        await connection.execute("UPDATE positions SET seq = $2 WHERE home = $1", events[-1].home, events[-1].seq)
        await connection.execute(f"NOTIFY {CHANNEL}")

    async def listen(self, woken: Callable[[], None]) -> asyncpg.Connection:
        """Return a connection of its own that calls `woken` at every change, of whichever pod, and at its end."""
        connection: asyncpg.Connection = await asyncpg.connect(timeout=2, **self._connect)
        connection.add_termination_listener(lambda _: woken())
        await connection.add_listener(CHANNEL, lambda *_: woken())
        return connection


def _event(row: asyncpg.Record) -> Event:
    given: dict[str, Any] = dict(row)
    made = {"made": given.pop("made_at"), "by": given.pop("made_by"), "via": given.pop("made_in")}
    return Event(**given, **made)


def _row(e: Event) -> tuple[object, ...]:
    return (e.home, e.seq, e.id, e.show, e.kind, e.at, e.product, e.sku, e.sale, e.by, e.via, e.made)
