"""Ctrl-C and SIGTERM, noted instead of raised: for what must come to an orderly end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noted(*events: threading.Event) -> Iterator[None]:
    """Let every Ctrl-C or SIGTERM set the next event; who asks once more than there are gets KeyboardInterrupt.

    Does nothing outside the main thread, which alone gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(_: int, __: FrameType | None) -> None:
        for event in events:
            if not event.is_set():
                return event.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
