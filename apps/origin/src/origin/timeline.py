"""The video's timeline. Pure: wall clock in, segment numbers and playlists out.

A segment's number is the wall clock divided by the segment's length, so every origin, in any region and after any
restart, gives the same number to the same moment: a viewer can move between them without a stall.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

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


def playlist(now: float) -> str:
    """Return the media playlist (RFC 8216, version 7) of the window that ends at the live edge."""
    edge = live_edge(now)
    first = edge - WINDOW + 1
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for number in range(first, edge + 1):
        moment = datetime.fromtimestamp(number * SEGMENT_SECONDS, UTC)
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{moment:%Y-%m-%dT%H:%M:%S}.000Z",
            f"#EXTINF:{SEGMENT_SECONDS:.3f},",
            f"{number}.m4s",
        ]
    return "\n".join(lines) + "\n"


def newest(playlists: Iterable[str | None]) -> str:
    """Return the playlist that has advanced most: a player must never see the window go back (RFC 8216 6.2.1).

    Raises
    ------
    ValueError
        When none of them is a playlist.
    """
    return max((p for p in playlists if p), key=lambda p: media_sequence(p) or 0)


def media_sequence(text: str) -> int | None:
    """Return the number of a playlist's first segment; None when the text is no media playlist."""
    for line in text.splitlines():
        if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            value = line.partition(":")[2]
            return int(value) if value.isdigit() else None
    return None
