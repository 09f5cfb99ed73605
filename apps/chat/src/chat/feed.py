"""The tail of a region's streams: every entry of a tracked room once, in order, however often Valkey goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from redis.asyncio.client import PubSub

from chat.figures import VALKEY_UP
from chat.log import AWAY, CHANNEL, Entry, Log
from onair_common.pauses import pause

SILENCE_SECONDS = 10.0
"""After so long without an announcement the connection is tried with a ping."""
MAX_BACKOFF_SECONDS = 5.0
OBSERVED = 10_000
_log = structlog.get_logger("feed")
Observer = asyncio.Queue[Entry | None]
"""Gets every entry announced in the region; None ends it (the feed broke, or the reader is too slow)."""


@dataclass(eq=False)
class Tail:
    """A tracked room.

    Attributes
    ----------
    last : dict
        By home region, the number of the last entry handed to ``sink``.
    """

    room: str
    sink: Callable[[Entry], None]
    last: dict[str, int]


class Feed:
    """Follows the announcements of the region's Valkey; what it missed it reads from the streams.

    Parameters
    ----------
    homes : tuple of str
        The regions whose messages a room has.
    """

    def __init__(self, log: Log, homes: tuple[str, ...]) -> None:
        self._log, self._homes = log, homes
        self._tails: dict[str, Tail] = {}
        self._observers: set[Observer] = set()
        # Held while a room's place is read or an entry is handed on: an entry is below that place or comes later.
        self._lock = asyncio.Lock()
        self.connected = False

    async def track(self, room: str, sink: Callable[[Entry], None]) -> Tail:
        """Hand the room's entries to ``sink`` from now on.

        Raises
        ------
        AWAY
            When Valkey does not answer.
        """
        async with self._lock:
            tail = self._tails[room] = Tail(room, sink, await self._log.numbers(room, self._homes))
            return tail

    def untrack(self, tail: Tail) -> None:
        """Stop handing a room's entries on."""
        if self._tails.get(tail.room) is tail:
            del self._tails[tail.room]

    def observe(self) -> Observer:
        """Return a queue that gets every entry announced in the region; `end` stops it."""
        queue: Observer = asyncio.Queue(OBSERVED)
        self._observers.add(queue)
        return queue

    async def run(self) -> None:
        """Follow for ever, with growing and jittered pauses while Valkey is away."""
        seconds = 0.1
        while True:
            try:
                async with self._log.client.pubsub() as channel:
                    await self._follow(channel)
            except AWAY as error:
                seconds = 0.1 if self.connected else min(seconds * 2, MAX_BACKOFF_SECONDS)
                _log.warning("valkey away", error=repr(error), retry_seconds=round(seconds, 2))
            finally:
                self._set_connected(False)
                self._end_observers()
            await pause(seconds)

    async def _follow(self, channel: PubSub) -> None:
        await channel.subscribe(CHANNEL)
        silent = False
        while True:
            message = await channel.get_message(timeout=SILENCE_SECONDS)
            if message is None:
                if silent:
                    raise TimeoutError("no answer to a ping")
                silent = True
                await channel.ping()
                continue
            silent = False
            if message["type"] == "message":
                entry = Entry.announced(message["data"])
                self._tell_observers(entry)
                if entry.room in self._tails:
                    async with self._lock:
                        await self._hand_on(entry)
            elif message["type"] == "subscribe":
                await self._catch_up()
                self._set_connected(True)

    async def _catch_up(self) -> None:
        for tail in list(self._tails.values()):
            async with self._lock:
                # A Valkey that lost its last second would give numbers that viewers have seen to other messages.
                await self._log.lift({tail.room: tail.last[self._log.region]})
                for home, number in (await self._log.numbers(tail.room, self._homes)).items():
                    await self._fill(tail, home, number)

    async def _hand_on(self, entry: Entry) -> None:
        tail = self._tails.get(entry.room)
        if tail is None or entry.seq <= tail.last.get(entry.home, 0):
            return
        if entry.seq > tail.last.get(entry.home, 0) + 1:
            await self._fill(tail, entry.home, entry.seq - 1)
        if entry.seq > tail.last.get(entry.home, 0):
            tail.sink(entry)
            tail.last[entry.home] = entry.seq

    async def _fill(self, tail: Tail, home: str, number: int) -> None:
        """Read what is missing up to a number; entries that are trimmed already are passed over."""
        while tail.last.get(home, 0) < number:
            missed = await self._log.read(tail.room, home, tail.last.get(home, 0))
            for entry in missed:
                tail.sink(entry)
                tail.last[home] = entry.seq
            if not missed:
                tail.last[home] = number

    def _tell_observers(self, entry: Entry) -> None:
        for queue in list(self._observers):
            if queue.full():
                self.end(queue)
            else:
                queue.put_nowait(entry)

    def _end_observers(self) -> None:
        for queue in list(self._observers):
            self.end(queue)

    def end(self, queue: Observer) -> None:
        """Tell an observer that there is no more."""
        self._observers.discard(queue)
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(None)

    def _set_connected(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            VALKEY_UP.set(connected)
            _log.info("valkey", connected=connected)
