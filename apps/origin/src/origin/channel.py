"""A channel as its viewers get it: the stand-in camera, and runs of publications in their slots of one timeline."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from datetime import UTC, datetime

from origin.run import KEPT_SLOTS, PART_TARGET, Run, Slot
from origin.timeline import SEGMENT_SECONDS, WINDOW, live_edge

PART_HOLD_BACK = 3 * PART_TARGET
"""How far behind the newest part a player stays: RFC 8216bis asks for two part targets at least and advises three."""
SLOTS_WITH_PARTS = 3
"""RFC 8216bis, 6.2.2: parts older than three target durations need not be listed."""
RESERVED_SLOTS = 3
"""A slot is kept free for so many slots' time at most: RFC 8216 6.3.3 has players stay three behind the newest one."""


class Channel:
    """Which slots are whose, the playlist of them, and who waits for the next one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs: deque[Run] = deque()
        self.touched = float("-inf")
        """Monotonic instant of the last part."""
        self.revision = 0
        """Counts parts, beginnings and ends."""
        self._discontinuity = 0
        """Of the stand-in's slots behind all runs."""
        self._reserved, self._reserved_until = 0, float("-inf")
        self._changed = asyncio.Event()

    @property
    def run(self) -> Run | None:
        """The publication that has the channel now."""
        return self.runs[-1] if self.runs and self.runs[-1].open else None

    def edge(self, now: float) -> int:
        """Return the number of the newest segment that is whole."""
        if self.run:
            return self.run.last
        edge = live_edge(now)
        if now < self._reserved_until:
            edge = min(edge, self._reserved - 1)
        return max(edge, self.runs[-1].last if self.runs else 0)

    def reserve(self, oldest: int, newest: int, now: float) -> int:
        """Keep a slot free of the stand-in for a run that is relayed, and return its number.

        A publisher may lag behind the clock all the time; the stand-in would then be shown in each of its slots before
        their first parts are here, and the run would never begin.

        Parameters
        ----------
        oldest, newest : int
            Numbers of the run's slots that can be had.
        now : float
            Unix time in seconds.
        """
        number = max(self.edge(now) + 1, oldest)
        if number != self._reserved and number - newest <= RESERVED_SLOTS:
            self._reserved, self._reserved_until = number, now + RESERVED_SLOTS * SEGMENT_SECONDS
        return number

    def release(self) -> None:
        """Give a reserved slot back to the stand-in."""
        self._reserved_until = float("-inf")

    def begin(self, run: Run) -> None:
        """Give the channel to a run that has its first part.

        Its discontinuity number is raised to what follows here from the runs before it.
        """
        self.end()
        before = self.runs[-1] if self.runs else None
        joined = before is not None and before.last + 1 == run.slots[0].number
        run.discontinuity = max(run.discontinuity, self._discontinuity + (not joined))
        self._discontinuity = run.discontinuity + 1
        self.runs.append(run)
        self.release()
        while len(self.runs) > 1 and self.runs[0].last < run.slots[0].number - KEPT_SLOTS:
            self.runs.popleft()
        self.changed()

    def end(self) -> None:
        """End the run that has the channel; the stand-in goes on."""
        if run := self.run:
            run.close()
            self.changed()

    def changed(self) -> None:
        """Wake those who wait."""
        self.touched = time.monotonic()
        self.revision += 1
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    def wait(self) -> Coroutine[object, object, object]:
        """Return what ends with the next part, beginning or end from now on."""
        return self._changed.wait()

    async def reached(self, number: int, part: int | None, seconds: float) -> None:
        """Wait until a segment, or a part of it, is there: for so long at most, and only while a run goes on."""
        try:
            async with asyncio.timeout(seconds):
                while (run := self.run) and not _has(run.slots[-1], number, part):
                    await self.wait()
        except TimeoutError:
            pass

    def media(self, ident: str, number: int, part: int | None) -> bytes | None:
        """Return what is kept of a run by this name."""
        for run in reversed(self.runs):
            if run.ident == ident and (found := run.media(number, part)) is not None:
                return found
        return None

    def holder(self, number: int) -> Run | None:
        """Return the run whose slot this is; None: the stand-in's."""
        return next((r for r in reversed(self.runs) if r.slots[0].number <= number <= r.slots[-1].number), None)

    def playlist(self, now: float) -> str:
        """Return the media playlist (RFC 8216 and, where parts are, its second edition) at a Unix time."""
        edge = self.edge(now)
        first = edge - WINDOW + 1
        growing = edge + 1 if self.run and not self.run.slots[-1].complete else None
        numbers = [*range(first, edge + 1), *([growing] if growing else [])]
        held = {number: self.holder(number) for number in numbers}
        lines = self._head(first, held)
        for number, run in held.items():
            if number == first or run is not held[number - 1]:
                if number != first:
                    lines.append("#EXT-X-DISCONTINUITY")
                lines.append(f'#EXT-X-MAP:URI="{run.ident if run else "init"}.mp4"')
            slot = run.slot(number) if run else None
            moment = datetime.fromtimestamp(slot.start if slot else number * SEGMENT_SECONDS, UTC)
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z")
            if self.run and run and slot and edge - number < SLOTS_WITH_PARTS:
                lines += _parts(run, slot)
            if number != growing:
                lines.append(f"#EXTINF:{slot.duration if slot else SEGMENT_SECONDS:.3f},")
                lines.append(f"{run.ident}-{number}.m4s" if run else f"{number}.m4s")
        return "\n".join(lines) + "\n"

    def _head(self, first: int, held: dict[int, Run | None]) -> list[str]:
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}"]
        if self.run:  # hls.js takes parts for the sign of a segment that grows
            lines.append(f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={PART_HOLD_BACK:.1f}")
            lines.append(f"#EXT-X-PART-INF:PART-TARGET={PART_TARGET:.1f}")
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
        if discontinuity := self._discontinuity_at(first):
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity}")
        if all(run is None or _independent(run, number) for number, run in held.items()):
            lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
        return lines

    def _discontinuity_at(self, number: int) -> int:
        if run := self.holder(number):
            return run.discontinuity
        before = [run for run in self.runs if run.slots[-1].number < number]
        after = [run for run in self.runs if run.slots[0].number > number]
        if before:
            return before[-1].discontinuity + 1
        return after[0].discontinuity - 1 if after else self._discontinuity


def _has(newest: Slot, number: int, part: int | None) -> bool:
    if newest.number != number:
        return newest.number > number
    return newest.complete or (part is not None and part < len(newest.parts))


def _independent(run: Run, number: int) -> bool:
    slot = run.slot(number)
    return slot is None or slot.parts[0].independent


def _parts(run: Run, slot: Slot) -> list[str]:
    return [
        f'#EXT-X-PART:DURATION={part.duration:.3f},URI="{run.ident}-{slot.number}.{index}.m4s"'
        + (",INDEPENDENT=YES" if part.independent else "")
        for index, part in enumerate(slot.parts)
    ]
