"""The video's timeline. Pure: wall clock in, segment numbers out.

A segment's number is the wall clock divided by the segment's length, so every origin, in any region and after any
restart, gives the same number to the same moment: a viewer can move between them without a stall.
"""

from __future__ import annotations

SEGMENT_SECONDS = 2
WINDOW = 8
"""Segments a playlist lists: 16 s, above the three target durations that RFC 8216 6.2.2 asks for."""


def live_edge(now: float) -> int:
    """Return the number of the newest complete segment at a Unix time in seconds."""
    return int(now // SEGMENT_SECONDS) - 1


def on_offer(number: int, now: float) -> bool:
    """Say whether a segment may be asked for: in the window, or left it less than a window ago (RFC 8216 6.2.2).

    One segment ahead is granted too: another region's clock may be that much ahead.
    """
    return live_edge(now) - 2 * WINDOW < number <= live_edge(now) + 1
