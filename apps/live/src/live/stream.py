"""A show's events as Server-Sent Events (WHATWG HTML, 9.2): what was missed, then what comes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

from prometheus_client import Gauge

from live.journal import TURNS, Event, Journal
from live.replica import Replica

HEARTBEAT_SECONDS = 10.0
"""A comment so often: proxies drop what is silent, and a browser notices a dead line by the end of the line only."""
STREAM_SECONDS = 900.0
"""A stream ends after so long and the browser comes again: viewers spread over pods that were added meanwhile."""
MOST_STREAMS = 5000
"""A process takes no more streams; 12 kB each fit its memory."""
STREAMS = Gauge("live_streams", "Event streams open.")


_open = 0


def full() -> bool:
    """Tell whether this process has as many streams as it takes."""
    return _open >= MOST_STREAMS


def parse_cursor(text: str | None) -> int | None:
    """Return the sequence number that a client names as its last; None when it names none.

    Raises
    ------
    ValueError
        When it is no sequence number.
    """
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("after, Last-Event-ID: no sequence number")
    return int(text)


def told(event: Event) -> str:
    """Return an event as the stream carries it."""
    kind = "state" if event.kind in TURNS else "cue"
    return f"id: {event.seq}\nevent: {kind}\ndata: {json.dumps(event.public(), separators=(',', ':'))}\n\n"


async def stream(
    replica: Replica, show: str, after: int, draining: Callable[[], bool], seconds: float = STREAM_SECONDS
) -> AsyncIterator[str]:
    """Yield a show's events after a sequence number, for `seconds` or until the process is to stop."""
    journal, end = replica.journal, time.monotonic() + seconds
    global _open  # noqa: PLW0603  one process, one count, as its gauge
    _open += 1
    STREAMS.set(_open)
    try:
        yield "retry: 1000\n\n"
        while not draining():
            for event in journal.after(show, after):
                yield told(event)
                after = event.seq
            left = end - time.monotonic()
            if left <= 0:
                break
            news = partial(_news, journal, show, after, draining)
            if not await replica.wait(news, min(HEARTBEAT_SECONDS, left)):
                yield ":\n\n"
    finally:
        _open -= 1
        STREAMS.set(_open)


def _news(journal: Journal, show: str, after: int, draining: Callable[[], bool]) -> bool:
    return draining() or journal.last(show) > after
