"""A run: one publication as viewers get it, cut into the slots of the channel's timeline. Pure.

A slot has the length and number of a segment of the camera's timeline, so that picture and stand-in can follow one
another in one playlist. A run begins in the slot of the moment when it begins; its slots' borders lie as far behind the
camera's as its first key frame did: a publisher whose key frames come every 2 s gets one at the start of every segment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from origin.timeline import SEGMENT_SECONDS, WINDOW

PART_SECONDS = 0.5
"""Length that ffmpeg is asked for."""
PART_TARGET = 0.6
"""Longest part: one that is a frame longer than asked for, at 10 frames a second."""
KEPT_SLOTS = WINDOW + 4
MAX_SLOT_BYTES = 4 << 20
"""16 Mbit/s; with `KEPT_SLOTS` it bounds the memory of a run."""
MAX_GAP_SECONDS = 1.0
MAX_EARLY_SECONDS, MAX_LATE_SECONDS = 3.0, 10.0
_EARLY_CUT = 0.1
"""RTMP's times are rounded to milliseconds: a key frame that much before the border still begins the next slot."""


class RunError(ValueError):
    """The publication cannot go on; the message says why, to the publisher too."""


@dataclass(frozen=True)
class Part:
    """A partial segment; the duration is in seconds."""

    duration: float
    independent: bool
    data: bytes = field(repr=False)


@dataclass
class Slot:
    """A segment, whole or growing; `start` is a Unix time in seconds."""

    number: int
    start: float
    parts: list[Part] = field(default_factory=list)
    complete: bool = False

    @property
    def duration(self) -> float:
        """Seconds of the parts that are there."""
        return sum(part.duration for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of the parts that are there."""
        return sum(len(part.data) for part in self.parts)


@dataclass
class Run:
    """The newest slots of one publication; a channel knows it from its first part on.

    Attributes
    ----------
    ident : str
        Random name of the publication, the same in every region; names its segments.
    region : str
        Where it is published.
    started : float
        Unix time of its first picture; the later of two publications has the channel.
    discontinuity : int
        Discontinuity sequence number (RFC 8216, 4.3.3.3) of its segments.
    """

    ident: str
    region: str
    started: float
    init: bytes = field(repr=False)
    discontinuity: int
    slots: deque[Slot] = field(default_factory=deque)
    open: bool = True

    @property
    def order(self) -> tuple[float, str]:
        """By which of two publications the one that counts is found: the greater."""
        return self.started, self.region

    @property
    def last(self) -> int:
        """Number of the newest slot that is whole."""
        return self.slots[-1].number - (not self.slots[-1].complete)

    def slot(self, number: int) -> Slot | None:
        """Return a slot that is still kept."""
        index = number - self.slots[0].number
        return self.slots[index] if 0 <= index < len(self.slots) else None

    def close(self) -> None:
        """End it: what the last slot has is all it gets."""
        self.open = False
        self.slots[-1].complete = True

    def put(self, number: int, start: float, part: Part) -> None:
        """Add a part to the newest slot, or to a new one; older slots are let go.

        Raises
        ------
        RunError
            When the slot grows too large.
        """
        if not self.slots or self.slots[-1].number != number:
            if self.slots:
                self.slots[-1].complete = True
            self.slots.append(Slot(number, start))
        slot = self.slots[-1]
        slot.parts.append(part)
        if slot.size > MAX_SLOT_BYTES:
            raise RunError(f"more than {MAX_SLOT_BYTES * 8 / SEGMENT_SECONDS / 1e6:.0f} Mbit/s; lower the bit rate")
        while len(self.slots) > KEPT_SLOTS:
            self.slots.popleft()

    def media(self, number: int, part: int | None) -> bytes | None:
        """Return a slot that is whole, or one of its parts."""
        slot = self.slot(number)
        if slot is None:
            return None
        if part is None:
            return b"".join(p.data for p in slot.parts) if slot.complete else None
        return slot.parts[part].data if part < len(slot.parts) else None


class Cutter:
    """Gives each fragment of a publication its slot.

    Parameters
    ----------
    run : Run
        The run to fill.
    first : int
        Number of its first slot.
    """

    def __init__(self, run: Run, first: int) -> None:
        self._run, self._number = run, first
        self._phase = run.started - first * SEGMENT_SECONDS
        self._end = run.started

    def add(self, start: float, part: Part, now: float) -> None:
        """Add a fragment that starts at a Unix time.

        Raises
        ------
        RunError
            When times jump or do not keep to the clock, or there are too many bytes.
        """
        if abs(start - self._end) > MAX_GAP_SECONDS:
            raise RunError(f"its times jump by {start - self._end:.1f} s")
        self._end = start + part.duration
        if self._end > now + MAX_EARLY_SECONDS:
            raise RunError(f"it runs {self._end - now:.1f} s ahead of the clock; publish at the speed of life (-re)")
        if self._end < now - MAX_LATE_SECONDS:
            raise RunError(f"it is {now - self._end:.1f} s late; lower the bit rate")
        border = (self._number + 1) * SEGMENT_SECONDS + self._phase
        if self._run.slots and start >= border - _EARLY_CUT:
            self._number += 1
        self._run.put(self._number, start, part)
