from __future__ import annotations

import asyncio

import httpx
import pytest

from onair_common.upstream import Upstream
from web.backends import Aside


async def test_a_slow_service_is_shown_as_it_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.backends.PATIENCE_SECONDS", 0.05)
    late, asked = False, list[str]()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if late:
            await asyncio.sleep(5)
        return httpx.Response(200, json={"shows": 3})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    aside = Aside(Upstream(client, "live", "http://live", fresh_seconds=0))
    first = await aside.get("/known")
    assert first is not None
    assert (first.body, first.stale) == ({"shows": 3}, False)
    late = True
    for _ in range(3):
        again = await aside.get("/known")
        assert again is not None
        assert (again.body, again.stale) == ({"shows": 3}, True)
    assert await aside.get("/unknown") is None
    assert asked == ["/known"] * 2, "a service that failed is not asked again at once"
