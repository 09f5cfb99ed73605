"""The sockets of one pod, by room: an entry is encoded once, and all of a moment go out in one write a socket."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from chat.feed import Feed, Tail
from chat.figures import MESSAGES_OUT, VIEWERS
from chat.log import AWAY, Entry, Log
from chat.protocol import encode, with_id
from onair_common.pauses import pause
from onair_common.websocket import Writer, text_frame

FLUSH_SECONDS = 0.05
"""A room writes at most so often. The first message after a pause goes out at once."""
REPORT_SECONDS = 5.0
MAX_SOCKETS = 2000
MAX_SOCKETS_OF_A_VIEWER = 8
DRAIN_FRAME = text_frame(encode(type="drain"))
_log = structlog.get_logger("hub")


@dataclass(eq=False)
class Member:
    """A socket in a room.

    Attributes
    ----------
    close : Callable
        Closes the socket with a code; returns when that is sent.
    floor : dict or None
        By home region, the last number that its history brought; None before the history is there.
    waiting : list
        Home, number and frame of what came meanwhile.
    """

    viewer: str
    writer: Writer
    close: Callable[[int], Awaitable[None]]
    floor: dict[str, int] | None = None
    waiting: list[tuple[str, int, bytes]] = field(default_factory=list)


class Room:
    """The sockets of a room: those that follow, and those that still get their history."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tail: Tail | None = None
        self.entered = 0
        self.following: set[Member] = set()
        self.joining: set[Member] = set()
        self.viewers = 0
        self._pending: list[bytes] = []
        self._flush: asyncio.TimerHandle | None = None
        self._next_flush = self._told = 0.0

    @property
    def members(self) -> list[Member]:
        """Every socket of the room on this pod."""
        return [*self.following, *self.joining]

    def take(self, entry: Entry) -> None:
        """Send an entry to the room's sockets."""
        if entry.kind == "m":
            frame = text_frame(with_id(entry.home, entry.seq, entry.body))
        elif entry.kind == "d":
            frame = text_frame(entry.body)
        else:
            return
        for member in self.joining:
            if member.floor is None:
                member.waiting.append((entry.home, entry.seq, frame))
            elif entry.seq > member.floor.get(entry.home, 0):
                member.writer.write_frames(frame)
        self.send(frame)

    def send(self, frame: bytes) -> None:
        """Write a frame to the sockets that follow, with the others of this moment."""
        self._pending.append(frame)
        if self._flush is None:
            loop = asyncio.get_running_loop()
            self._flush = loop.call_at(max(self._next_flush, loop.time()), self._write)

    def tell_viewers(self, viewers: int) -> None:
        """Tell how many viewers there are, when that changed or when nothing else was told since the last report.

        A socket whose other end is lost with its node looks like one on which nobody speaks: this tells them apart.
        """
        silent = asyncio.get_running_loop().time() - self._told >= REPORT_SECONDS
        if viewers != self.viewers or silent:
            self.viewers = viewers
            self.send(text_frame(encode(type="viewers", count=viewers)))

    def begin(self, member: Member, history: bytes, floor: dict[str, int]) -> None:
        """Write a member's history and what came meanwhile; from then on it follows."""
        member.floor = floor
        later = [frame for home, seq, frame in member.waiting if seq > floor.get(home, 0)]
        member.waiting.clear()
        member.writer.write_frames(history + b"".join(later))
        self._promote()

    def _write(self) -> None:
        self._flush = None
        self._told = asyncio.get_running_loop().time()
        self._next_flush = self._told + FLUSH_SECONDS
        data, count = b"".join(self._pending), len(self._pending)
        self._pending.clear()
        gone = [member for member in self.following if not member.writer.write_frames(data)]
        MESSAGES_OUT.inc(count * (len(self.following) - len(gone)))
        self.following.difference_update(gone)  # their handlers hear of the end by themselves
        self._promote()

    def _promote(self) -> None:
        """Let those follow whose history reaches up to what the others have got."""
        if self._pending or self.tail is None:
            return
        last = self.tail.last
        for member in [m for m in self.joining if m.floor is not None]:
            if all(last.get(home, 0) >= number for home, number in (member.floor or {}).items()):
                self.joining.discard(member)
                self.following.add(member)


class Hub:
    """All rooms of this pod.

    Parameters
    ----------
    pod : str
        Name under which this pod reports its viewers.
    """

    def __init__(self, log: Log, feed: Feed, pod: str) -> None:
        self._log, self._feed, self._pod = log, feed, pod
        self.rooms: dict[str, Room] = {}
        self._entering = asyncio.Lock()
        self._sockets_of: Counter[str] = Counter()
        self._open = 0
        self._reported: set[str] = set()
        self.draining = False

    def admit(self, viewer: str) -> str:
        """Count one more socket of a viewer; nothing, or the code to refuse it with (`dismiss` gives it back)."""
        if self.draining or self._open >= MAX_SOCKETS:
            return "away"
        if self._sockets_of[viewer] >= MAX_SOCKETS_OF_A_VIEWER:
            return "crowded"
        self._sockets_of[viewer] += 1
        self._open += 1
        VIEWERS.inc()
        return ""

    def dismiss(self, viewer: str) -> None:
        """Count one socket of a viewer less."""
        self._sockets_of[viewer] -= 1
        self._open -= 1
        if not self._sockets_of[viewer]:
            del self._sockets_of[viewer]
        VIEWERS.dec()

    async def enter(self, name: str) -> Room:
        """Return a room that is followed; raises one of `AWAY` when Valkey does not answer. `leave` ends it."""
        async with self._entering:
            room = self.rooms.get(name) or Room(name)
            if room.tail is None:
                room.tail = await self._feed.track(name, room.take)
                self.rooms[name] = room
            room.entered += 1
            return room

    def leave(self, room: Room, member: Member | None) -> None:
        """Take a socket out of its room."""
        if member:
            room.following.discard(member)
            room.joining.discard(member)
        room.entered -= 1
        if not room.entered and room.tail:
            self._feed.untrack(room.tail)
            room.tail = None
            self.rooms.pop(room.name, None)

    async def run_reports(self) -> None:
        """Keep every room's count of viewers; nothing is asked while nobody is here."""
        while True:
            await pause(REPORT_SECONDS)
            if self.rooms or self._reported:
                try:
                    await self.report()
                except AWAY as error:
                    _log.info("viewers not counted", error=repr(error))
                    for room in self.rooms.values():
                        room.tell_viewers(room.viewers)

    async def report(self) -> None:
        """Say how many viewers are here, and tell every room how many it has."""
        counts = dict.fromkeys(self._reported, 0) | {name: len(room.members) for name, room in self.rooms.items()}
        totals = await self._log.report_viewers(self._pod, counts)
        self._reported = {name for name, count in counts.items() if count}
        for name, room in self.rooms.items():
            room.tell_viewers(sum(totals.get(name, {}).values()))

    async def drain(self, seconds: float) -> None:
        """Send every socket away, evenly over some seconds: the other pods get them one by one."""
        self.draining = True
        members = [member for room in self.rooms.values() for member in room.members]
        random.shuffle(members)
        _log.info("sockets drain", sockets=len(members), seconds=seconds)
        for member in members:
            if member.writer.write_frames(DRAIN_FRAME):
                await member.close(1012)
            await asyncio.sleep(seconds / len(members))
