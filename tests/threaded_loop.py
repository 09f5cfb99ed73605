"""An event loop for tests that are not asynchronous: hypothesis and schemathesis call synchronously."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def __call__(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  whatever the coroutine returns
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def loop_in_thread() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()
