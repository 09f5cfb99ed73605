"""Pauses between tries, with jitter: who lost the same thing must not come back together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator


def jittered(seconds: float) -> float:
    """Return half to one and a half of some seconds."""
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311  jitter, not a secret


async def pause(seconds: float) -> None:
    """Wait for half to one and a half of some seconds."""
    await asyncio.sleep(jittered(seconds))


async def attempts(most: int, seconds: float) -> AsyncIterator[int]:
    """Yield 0, 1, … below `most`, with a pause of about `seconds` between them."""
    for number in range(most):
        if number:
            await pause(seconds)
        yield number
