from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from chat_link import Link
from chat_world import Chat


@pytest.fixture
async def chat(
    tmp_path: Path, region_env: dict[str, dict[str, str]], free_port: Callable[[], int]
) -> AsyncIterator[Chat]:
    made = Chat(tmp_path, region_env, free_port)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def link() -> AsyncIterator[Callable[[int], Awaitable[Link]]]:
    links: list[Link] = []

    async def make(target: int) -> Link:
        links.append(await Link(target).start())
        return links[-1]

    yield make
    for each in links:
        await each.close()
