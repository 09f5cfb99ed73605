"""Which rooms there are, what was said in them, and how many listen: for sockets and for the HTTP interface."""

from __future__ import annotations

import heapq
import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chat.log import Entry, Log
from chat.protocol import ROOM, with_id
from onair_common.refusals import Refused
from onair_common.upstream import Unavailable, Upstream

HISTORY = 50
"""Messages that a newcomer gets."""
MAX_LIMIT = 200
REPLAYED = 200
"""Entries of each home region, at most, that a returning client gets."""
_LIMIT = re.compile(r"[1-9][0-9]{0,2}\Z")
_FRESH = {"cache-control": "no-cache"}


class Rooms:
    """Reads the rooms.

    Parameters
    ----------
    homes : tuple of str
        The regions whose messages a room has.
    """

    def __init__(self, log: Log, homes: tuple[str, ...], catalog: Upstream) -> None:
        self._log, self._catalog = log, catalog
        self.homes = homes

    def routes(self) -> list[Route]:
        """Return the HTTP interface."""
        return [
            Route("/api/chat/rooms/{show}/messages", self._messages),
            Route("/api/chat/rooms/{show}/figures", self._figures),
        ]

    async def known(self, room: str) -> bool:
        """Tell whether there is such a show; without an answer ever, the benefit of the doubt."""
        if not ROOM.match(room):
            return False
        try:
            answer = await self._catalog.get("/api/catalog/shows")
        except Unavailable:
            return True
        return answer is not None and any(show["id"] == room for show in answer.body["shows"])

    async def history(
        self, room: str, after: dict[str, int] | None = None, count: int = HISTORY
    ) -> tuple[list[Entry], dict[str, int]]:
        """Return what a client should see first, oldest first, and the last number of each home in it.

        Parameters
        ----------
        after : dict or None
            What a returning client has seen; None for a newcomer.
        count : int
            Messages for a newcomer.
        """
        # A number that was never given out must not hide those to come.
        numbers = await self._log.numbers(room, self.homes) if after else {}
        floor: dict[str, int] = {}
        found: list[list[Entry]] = []
        for home in self.homes:
            seen = min((after or {}).get(home, 0), numbers.get(home, 0))
            entries = await self._log.newest(room, home, count if after is None else REPLAYED, seen)
            floor[home] = entries[-1].seq if entries else seen
            found.append(entries)
        # Merged, not sorted: of one home region the number decides, not a pod's clock.
        everything = list(heapq.merge(*found, key=lambda e: _at(e) if e.kind == "m" else b""))
        deleted = await self._log.deleted(room, everything)
        kept = [e for e in everything if e.kind == "m" and (e.home, e.seq) not in deleted]
        if after is None:
            return kept[-count:], floor
        return kept + [e for e in everything if e.kind == "d"], floor

    async def _messages(self, request: Request) -> Response:
        room = request.path_params["show"]
        if not await self.known(room):
            raise Refused("unknown")
        limit = request.query_params.get("limit", str(HISTORY))
        if not _LIMIT.match(limit) or int(limit) > MAX_LIMIT:
            raise Refused("bad-limit")
        found, _ = await self.history(room, count=int(limit))
        body = {"messages": [json.loads(with_id(e.home, e.seq, e.body)) for e in found]}
        return JSONResponse(body, headers=_FRESH)

    async def _figures(self, request: Request) -> Response:
        room = request.path_params["show"]
        if not await self.known(room):
            raise Refused("unknown")
        viewers = (await self._log.report_viewers("", {})).get(room, {})
        return JSONResponse(
            {"viewers": sum(viewers.values()), "messages": await self._log.messages(room)}, headers=_FRESH
        )


def _at(entry: Entry) -> bytes:
    """Return the instant of a message; ``at`` stands before what a viewer wrote."""
    return entry.body.partition(b'"at":"')[2][:24]
