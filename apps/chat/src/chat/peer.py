"""What the other region pulls: this region's own entries, from where it is, and then as they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chat.feed import Feed, Observer
from chat.log import AWAY, Entry, Log
from chat.protocol import ROOM, encode, message_id
from onair_common.openapi import read_bounded
from onair_common.peer import guarded
from onair_common.refusals import Refused

HEARTBEAT_SECONDS = 3.0
MAX_PULLERS = 4
MAX_BODY_BYTES = 1 << 20
PAGE = 200


class Source:
    """Serves the streams of this region's own entries."""

    def __init__(self, log: Log, feed: Feed, key: str) -> None:
        self._log, self._feed = log, feed
        self._pullers: set[Observer] = set()
        self._key = key
        self._draining = False

    def route(self) -> Route:
        """Return the route for the other region."""
        return Route("/peer/rooms/stream", guarded(self._key, self._stream), methods=["POST"])

    def drain(self) -> None:
        """End every stream, and take no new one: the other region goes on at another pod."""
        self._draining = True
        for observer in self._pullers:
            self._feed.end(observer)

    async def _stream(self, request: Request) -> Response:
        cursors = _cursors(await read_bounded(request, MAX_BODY_BYTES))
        if self._draining or len(self._pullers) >= MAX_PULLERS or not self._feed.connected:
            raise Refused("away")
        return StreamingResponse(self._lines(cursors), media_type="application/x-ndjson")

    async def _lines(self, cursors: dict[str, int]) -> AsyncIterator[bytes]:
        # Observed before anything is read: an entry is read or observed, or both.
        observer = self._feed.observe()
        self._pullers.add(observer)
        try:
            await self._log.lift(cursors)
            sent = dict.fromkeys(await self._log.rooms(self._log.region), 0) | cursors
            for room in list(sent):
                async for line in self._replay(room, sent):
                    yield line
            async for line in self._live(observer, sent):
                yield line
        except AWAY:
            return  # the stream ends in the middle, and the other region comes again
        finally:
            self._feed.end(observer)
            self._pullers.discard(observer)

    async def _live(self, observer: Observer, sent: dict[str, int]) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        beat = clock()
        while True:
            try:
                async with asyncio.timeout_at(beat):
                    entry = await observer.get()
            except TimeoutError:
                beat = clock() + HEARTBEAT_SECONDS
                yield _line({"viewers": await self._viewers()})
                continue
            if entry is None:
                return
            if entry.home != self._log.region or entry.seq <= sent.get(entry.room, 0):
                continue
            if entry.seq == sent.get(entry.room, 0) + 1:
                sent[entry.room] = entry.seq
                yield _entry_line(entry)
            else:
                async for line in self._replay(entry.room, sent):
                    yield line

    async def _replay(self, room: str, sent: dict[str, int]) -> AsyncIterator[bytes]:
        """Yield a room's entries after what was sent; what is trimmed is said to be."""
        home = self._log.region
        number = (await self._log.numbers(room, [home]))[home]
        while sent.get(room, 0) < number:
            page = await self._log.read(room, home, sent.get(room, 0), PAGE)
            first = page[0].seq if page else number + 1
            if first > sent.get(room, 0) + 1:
                yield _line({"room": room, "seq": first - 1, "kind": "t", "body": ""})
                sent[room] = first - 1
            deleted = await self._log.deleted(room, page)
            for entry in page:
                gone = (entry.home, entry.seq) in deleted
                yield _entry_line(_tombstone(entry) if gone else entry)
                sent[room] = entry.seq

    async def _viewers(self) -> dict[str, int]:
        """Return how many viewers this region has by room (what it knows of the other's aside)."""
        return {
            room: sum(count for source, count in sources.items() if not source.startswith("@"))
            for room, sources in (await self._log.report_viewers("", {})).items()
        }


def _tombstone(entry: Entry) -> Entry:
    """Return what stands for a deleted message: its number, without its text."""
    return entry._replace(kind="d", body=encode(type="deleted", id=message_id(entry.home, entry.seq)))


def _entry_line(entry: Entry) -> bytes:
    return _line({"room": entry.room, "seq": entry.seq, "kind": entry.kind, "body": entry.body.decode()})


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _cursors(raw: bytes) -> dict[str, int]:
    try:
        cursors = json.loads(raw)["cursors"]
        good = all(ROOM.match(room) and type(seq) is int and 0 <= seq < 1 << 53 for room, seq in cursors.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise Refused("body", place="cursors", why="no last number by room", why_ko="")
    return {str(room): int(seq) for room, seq in cursors.items()}
