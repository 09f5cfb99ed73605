"""What was said, in this region's Valkey: one stream a room and home region, numbered without a gap.

Keys (one shard; the scripts span them): ``chat:rooms`` rooms by their last entry; ``chat:<room>:seq`` the last
number by home and the count of messages; ``chat:<room>:log:<home>`` the stream, ids ``<number>-0``;
``chat:<room>:deleted``, ``:mute:<viewer>``, ``:rate…``, ``:ref:…``. Every entry is announced on channel ``chat``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple, cast

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chat.protocol import Kind, message_id

CHANNEL = "chat"
VIEWERS = "chat:viewers"
AWAY = (RedisError, OSError, TimeoutError)
"""What an absent or failing server raises."""
RETENTION_SECONDS = 7 * 24 * 3600
REF_SECONDS = 120
"""For so long the same message sent again is the same message."""
VIEWERS_FRESH_SECONDS = 20.0


class Entry(NamedTuple):
    """One entry of a room's stream."""

    room: str
    home: str
    seq: int
    kind: Kind
    body: bytes

    @classmethod
    def announced(cls, data: bytes) -> Entry:
        """Read an announcement on the channel."""
        room, home, seq, kind, body = data.split(b" ", 4)
        return cls(room.decode(), home.decode(), int(seq), cast(Kind, kind.decode()), body)


@dataclass(frozen=True)
class Limits:
    """Messages a second and at once, of one viewer and of a room; entries kept of a room and home region."""

    viewer_rate: float = 1.0
    viewer_burst: float = 5.0
    room_rate: float = 100.0
    room_burst: float = 200.0
    retained: int = 20_000


def _script(name: str) -> str:
    folder = resources.files("chat")
    return "".join((folder / part).read_text(encoding="utf-8") for part in ("effect.lua", name))


class Log:
    """The streams of one region's Valkey."""

    def __init__(self, url: str, region: str, limits: Limits | None = None) -> None:
        # No retry inside: a second try after a lost answer is the caller's to decide.
        # Any: redis-py's answers are typed as the union over all its modes.
        self.client: Any = redis.asyncio.from_url(
            url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0), max_connections=64
        )
        self.region = region
        self.limits = limits or Limits()
        self._append = self.client.register_script(_script("append.lua"))
        self._apply = self.client.register_script(_script("apply.lua"))
        self._lease = self.client.register_script(
            "local holder = redis.call('GET', KEYS[1]) "
            "if holder and holder ~= ARGV[1] then return 0 end "
            "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1"
        )
        self._release = self.client.register_script(
            "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"
        )

    async def append(self, room: str, kind: Kind, body: bytes, viewer: str, ref: str = "") -> tuple[str, int]:
        """Add an entry of this region.

        Returns
        -------
        tuple of str and int
            ``ok`` and its number, or ``muted``, ``slow`` (the viewer) or ``busy`` (the room) and 0.
        """
        of = self.limits
        rates = (of.viewer_rate, of.viewer_burst, of.room_rate, of.room_burst)
        keep = (of.retained, RETENTION_SECONDS, REF_SECONDS)
        answer = await self._append(args=[room, self.region, kind, body, viewer, ref, *rates, *keep])
        return answer[0].decode(), int(answer[1])

    async def take_over(self, room: str, home: str, entries: Sequence[tuple[int, Kind, bytes]]) -> tuple[int, int]:
        """Add entries of another region; returns the last number now known and how many were trimmed there."""
        flat = [value for entry in entries for value in entry]
        last, trimmed = await self._apply(args=[room, home, self.limits.retained, RETENTION_SECONDS, *flat])
        return int(last), int(trimmed)

    async def numbers(self, room: str, homes: Sequence[str]) -> dict[str, int]:
        """Return the last number of each home region in a room, 0 where nothing was said."""
        return dict(zip(homes, await self._counts(room, homes), strict=True))

    async def messages(self, room: str) -> int:
        """Return how many messages a room has had."""
        return (await self._counts(room, ["messages"]))[0]

    async def _counts(self, room: str, fields: Sequence[str]) -> list[int]:
        found = await self.client.hmget(f"chat:{room}:seq", list(fields))
        return [int(value or 0) for value in found]

    async def read(self, room: str, home: str, after: int, count: int = 500) -> list[Entry]:
        """Return up to `count` kept entries with a number above `after`, oldest first."""
        found = await self.client.xrange(f"chat:{room}:log:{home}", min=f"{after + 1}-0", count=count)
        return [self._entry(room, home, raw) for raw in found]

    async def newest(self, room: str, home: str, count: int, after: int = 0) -> list[Entry]:
        """Return the newest `count` kept entries with a number above `after`, oldest first."""
        found = await self.client.xrevrange(f"chat:{room}:log:{home}", min=f"{after + 1}-0", count=count)
        return [self._entry(room, home, raw) for raw in reversed(found)]

    async def has(self, room: str, home: str, seq: int) -> bool:
        """Tell whether a message is kept here."""
        found = await self.read(room, home, seq - 1, 1)
        return bool(found) and found[0].seq == seq and found[0].kind == "m"

    async def deleted(self, room: str, entries: Iterable[Entry]) -> set[tuple[str, int]]:
        """Return home and number of those messages that were deleted."""
        found = [entry for entry in entries if entry.kind == "m"]
        if not found:
            return set()
        ids = [message_id(entry.home, entry.seq) for entry in found]
        marks = await self.client.smismember(f"chat:{room}:deleted", ids)
        return {(entry.home, entry.seq) for entry, mark in zip(found, marks, strict=True) if mark}

    async def rooms(self, home: str) -> dict[str, int]:
        """Return the rooms with entries that may still be kept, and each's last number of a home region."""
        names = [name.decode() for name in await self.client.zrange("chat:rooms", 0, -1)]
        async with self.client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hget(f"chat:{name}:seq", home)
            found = await pipe.execute()
        return {name: int(value or 0) for name, value in zip(names, found, strict=True)}

    async def lift(self, cursors: dict[str, int]) -> int:
        """Continue after numbers of this region that others have seen; returns how many rooms were behind.

        A Valkey that lost its last second must not give those numbers to other messages: who has seen them would take
        the new messages for the old.
        """
        behind = 0
        for room, seen in cursors.items():
            if seen > (await self.numbers(room, [self.region]))[self.region]:
                await self.take_over(room, self.region, [(seen, "t", b"")])
                behind += 1
        return behind

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease; False when somebody else holds it."""
        return bool(await self._lease(keys=[f"chat:lease:{name}"], args=[holder, int(seconds * 1000)]))

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back, if it is still held."""
        await self._release(keys=[f"chat:lease:{name}"], args=[holder])

    async def report_viewers(self, source: str, counts: dict[str, int]) -> dict[str, dict[str, int]]:
        """Say how many viewers a pod (or ``@region``) has by room; returns all sources' counts by room and source."""
        now = time.time()
        if counts:
            fields = {f"{room} {source}": f"{count} {now:.0f}" for room, count in counts.items()}
            await self.client.hset(VIEWERS, mapping=fields)
            await self.client.expire(VIEWERS, 120)
        found: dict[str, dict[str, int]] = {}
        stale = []
        for field, value in (await self.client.hgetall(VIEWERS)).items():
            room, _, name = field.decode().partition(" ")
            count, at = value.decode().split(" ")
            if now - float(at) > VIEWERS_FRESH_SECONDS:
                stale.append(field)
            elif int(count):
                found.setdefault(room, {})[name] = int(count)
        if stale:
            await self.client.hdel(VIEWERS, *stale)
        return found

    async def close(self) -> None:
        """Close the connections."""
        async with asyncio.timeout(2):
            await self.client.aclose()

    @staticmethod
    def _entry(room: str, home: str, raw: tuple[bytes, dict[bytes, bytes]]) -> Entry:
        seq = int(raw[0].partition(b"-")[0])
        return Entry(room, home, seq, cast(Kind, raw[1][b"k"].decode()), raw[1][b"b"])
