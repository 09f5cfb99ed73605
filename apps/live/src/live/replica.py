"""Keeps this process's journal current: from the region's database, and that from the other region's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Gauge

from live.journal import Event, Gap, Journal, from_peer
from live.store import BATCH, Store
from onair_common.database import AWAY
from onair_common.pauses import pause
from onair_common.peer import Peer, PeerAway

LOOK_SECONDS = 5.0
"""The database is looked at so often even when it says nothing: a notice may be lost with a connection."""
PULL_SECONDS = 1.5
"""The other region keeps a question for so long when it has nothing new (less than onair_common.peer.TIMEOUT)."""
LINK = Gauge("live_link_up", "1 while the other region answers.")
KNOWN = Gauge("live_known_seq", "Newest event known, by the region that wrote it.", ["home"])
_log = structlog.get_logger("replica")


class Replica:
    """The journal and what fills it.

    Parameters
    ----------
    homes : tuple of str
        This region and the other one.

    Attributes
    ----------
    database_up, link_up : bool
        Whether what the journal says of this region's, of the other region's shows is known to be current.
    """

    def __init__(self, store: Store, peer: Peer, homes: tuple[str, str]) -> None:
        self.journal, self.store = Journal(), store
        self.database_up = self.link_up = False
        self._peer, (self._home, self._other) = peer, homes
        self._changed = asyncio.Condition()
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def running(self, draining: Callable[[], bool]) -> AsyncIterator[None]:
        """Keep the journal current while the block runs; waiters are woken when the process is to stop."""
        tasks = [asyncio.create_task(x) for x in (self._follow(), self._pull(), self._watch(draining))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait(self, met: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so; returns whether it is."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(met)
        except TimeoutError:
            return False
        return True

    def current(self, home: str) -> bool:
        """Tell whether what is known of a home region's shows is current."""
        return self.database_up and (home == self._home or self.link_up)

    async def sync(self) -> None:
        """Read what is new in the database; raises one of `AWAY`."""
        for home in (self._home, self._other):
            while True:
                events = await self.store.after(home, self.journal.known.get(home, 0))
                await self._take(events)
                if len(events) < BATCH:
                    break

    async def _take(self, events: list[Event]) -> None:
        if self.journal.add(events):
            KNOWN.labels(events[-1].home).set(events[-1].seq)
            async with self._changed:
                self._changed.notify_all()

    async def _follow(self) -> None:
        begun = False
        while True:
            connection = None
            try:
                connection = await self.store.listen(self._wake.set)
                if not begun:
                    self.journal.begin(*await self.store.begin())
                    begun = True
                    async with self._changed:
                        self._changed.notify_all()
                while not connection.is_closed():
                    self._wake.clear()
                    await self.sync()
                    self.database_up = True
                    await _wait(self._wake, LOOK_SECONDS)
            except (*AWAY, Gap) as error:
                if self.database_up or not begun:
                    _log.warning("database away", error=repr(error))
                begun = begun and not isinstance(error, Gap)  # an older backup came back: read it whole
            finally:
                self.database_up = False
                if connection:
                    connection.terminate()
            await pause(1)

    async def _pull(self) -> None:
        while True:
            try:
                await self._pull_once()
                self._link(up=True)
            except PeerAway as error:
                self._link(up=False, error=str(error))
                await pause(1)
            except (*AWAY, Gap, ValueError, KeyError, TypeError) as error:
                _log.warning("events of the other region not taken", error=repr(error))
                await pause(1)
            except Exception as error:  # an odd answer must not end replication for good
                self._link(up=False, error=repr(error))
                await pause(1)

    async def _pull_once(self) -> None:
        after = await self.store.position(self._other)
        answer = await self._peer.get(f"/peer/events?after={after}&wait={PULL_SECONDS}")
        answer.raise_for_status()
        body = answer.json()
        if body["last"] < after:
            # Its database lost what it had told us: numbers would be given twice. A person must decide.
            raise Gap(f"{self._other} is at {body['last']}, we had {after} from it")
        if events := [from_peer(raw) for raw in body["events"]]:
            await self.store.copy(self._other, events)

    def _link(self, *, up: bool, error: str = "") -> None:
        if up != self.link_up:
            _log.info("link", up=up, error=error)
        self.link_up = up
        LINK.set(up)

    async def _watch(self, draining: Callable[[], bool]) -> None:
        while not draining():
            await asyncio.sleep(0.5)
        async with self._changed:
            self._changed.notify_all()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
