"""A player of the show: it asks for the playlist and the segments as a browser's does, and notices when it runs dry.

What is measured is not the answer to a request but whether a segment was there when the picture needed it: a player
has some seconds in hand, asks again where it gets no answer, and a viewer sees nothing of that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from onair.core.scenario import Visit

BEHIND = 3
"""Segments in hand at the start: a player begins so many behind the newest (RFC 8216 6.3.3)."""
RETRY_SECONDS = 0.5
"""Pause after an answer that is none."""
SEGMENT_TRIES = 6


class Segment(NamedTuple):
    """A segment of a playlist; seconds."""

    number: int
    uri: str
    duration: float


@dataclass(frozen=True)
class Playlist:
    """A live media playlist (RFC 8216), as far as a player of whole segments needs it."""

    segments: tuple[Segment, ...]
    target: float

    @classmethod
    def read(cls, text: str) -> Playlist | None:
        """Read one; None for what is no media playlist with a segment in it."""
        sequence = re.search(r"^#EXT-X-MEDIA-SEQUENCE:(\d+)\s*$", text, re.MULTILINE)
        target = re.search(r"^#EXT-X-TARGETDURATION:(\d+)\s*$", text, re.MULTILINE)
        found = re.findall(r"^#EXTINF:(\d+(?:\.\d+)?),[^\n]*\n(?:#[^\n]*\n)*([^#\s]\S*)", text, re.MULTILINE)
        if not text.startswith("#EXTM3U") or not sequence or not target or not found:
            return None
        first = int(sequence[1])
        segments = (Segment(first + i, uri, float(seconds)) for i, (seconds, uri) in enumerate(found))
        return cls(tuple(segments), float(target[1]))

    def after(self, number: int | None) -> tuple[Segment, ...]:
        """Return the segments after this one; for a player that begins (None) the last few."""
        if number is None:
            return self.segments[-BEHIND:]
        return tuple(segment for segment in self.segments if segment.number > number)


class Player:
    """Plays a channel in a visit, from the first segment on.

    Parameters
    ----------
    target
        The platform, by its name in the plan.
    path
        Of the playlist.
    """

    def __init__(self, visit: Visit, target: str, path: str, headers: Mapping[str, str]) -> None:
        self._visit, self._target, self._path, self._headers = visit, target, path, headers
        self._last: int | None = None
        self._dry = visit.elapsed
        """When the picture stops without another segment; it has not begun before there is one."""
        self._region = ""

    async def play(self, until: float) -> None:
        """Play until this moment of the visit."""
        while self._visit.elapsed < until:
            playlist = await self._list()
            for segment in playlist.after(self._last) if playlist else ():
                if self._visit.elapsed < until:
                    await self._take(segment)
            pause = playlist.target / 2 if playlist else RETRY_SECONDS
            await self._visit.pause(min(pause, max(0.0, until - self._visit.elapsed)))
        if self._dry < until - RETRY_SECONDS:
            outcome = "no-video" if self._last is None else "stall"
            self._visit.tell("watch", outcome, since=self._dry, ok=False, region=self._region)

    async def _list(self) -> Playlist | None:
        reply = await self._visit.ask("playlist", self._target, "GET", self._path, headers=self._headers)
        return Playlist.read(reply.body.decode(errors="replace")) if reply.status == 200 else None

    async def _take(self, segment: Segment) -> None:
        """Fetch a segment, and tell whether the picture had to wait for it."""
        path = f"{self._path.rpartition('/')[0]}/{segment.uri}"
        began, visit = self._visit.elapsed, self._visit
        for _ in range(SEGMENT_TRIES):
            reply = await visit.ask("segment", self._target, "GET", path, headers=self._headers)
            if reply.status == 200 or 400 <= reply.status < 500:
                break
            await visit.pause(RETRY_SECONDS)
        beginning, self._last, now = self._last is None, segment.number, visit.elapsed
        if reply.status != 200:
            visit.tell("watch", "lost", since=began, ok=False, region=reply.region)
            return
        self._region = reply.region
        if beginning or now <= self._dry:
            visit.tell("watch", "played", since=began, ok=True, region=reply.region)
        else:
            visit.tell("watch", "stall", since=self._dry, ok=False, region=reply.region)
        self._dry = max(self._dry, now) + segment.duration
