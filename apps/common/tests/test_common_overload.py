from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from onair_common.asgi import Lifecycle, Shell, health_routes, waiting
from onair_common.overload import LATE, LATE_SECONDS, Load, Shedding
from onair_common.settings import Settings


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Gate(asyncio.Event):
    """Lets the requests that are held go; counts those that came to it."""

    came = 0

    async def hold(self) -> None:
        self.came += 1
        async with asyncio.timeout(20):
            await self.wait()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def client(clock: Clock, gate: Gate, region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    async def held(_: Request) -> Response:
        await gate.hold()
        return PlainTextResponse("held")

    async def news(request: Request) -> Response:
        with waiting(request):
            await gate.hold()
        return PlainTextResponse("news")

    async def film(_: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            await gate.hold()
            yield b"film"

        return StreamingResponse(parts())

    async def ready() -> str | None:
        return None

    lifecycle = Lifecycle()
    settings = Settings.read({"SERVICE_NAME": "probe", "VERSION": "9", **region_env["us"]})
    routes = [
        Route("/held", held),
        Route("/awaited", news),
        Route("/film", film),
        *health_routes(lifecycle, ready),
    ]
    shell = Shell(Starlette(routes=routes), settings, lifecycle, lambda app: Shedding(app, Load(clock)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=shell), base_url="http://pod")


async def crowd(client: httpx.AsyncClient, gate: Gate, path: str, count: int) -> list[asyncio.Task[httpx.Response]]:
    """Send requests that are held; returns once the service has begun them all."""
    wanted = gate.came + count
    tasks = [asyncio.create_task(client.get(path)) for _ in range(count)]
    async with asyncio.timeout(20):
        while gate.came < wanted:
            await asyncio.sleep(0.001)
    return tasks


async def test_a_service_that_is_behind_refuses_at_once_and_takes_again_once_it_is_not(
    client: httpx.AsyncClient, clock: Clock, gate: Gate
) -> None:
    tasks = await crowd(client, gate, "/held", LATE)
    clock.now += LATE_SECONDS + 0.01
    refused = await client.get("/held", headers={"accept-language": "ko"})
    assert refused.status_code == 503
    assert refused.json()["code"] == "busy"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-language"] == "ko"
    assert refused.headers["x-onair-region"] == "us"
    assert (await client.get("/readyz")).status_code == 200, "probes are answered: it must not be restarted for it"
    assert "http_requests_total" in (await client.get("/metrics")).text
    gate.set()
    assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {200}
    assert (await client.get("/held")).status_code == 200


async def test_many_requests_that_are_young_and_few_that_are_slow_are_no_reason(
    client: httpx.AsyncClient, clock: Clock, gate: Gate
) -> None:
    slow = await crowd(client, gate, "/held", LATE - 1)
    clock.now += 60
    young = await crowd(client, gate, "/held", 10 * LATE)
    clock.now += LATE_SECONDS - 0.01
    last = await crowd(client, gate, "/held", 1)
    gate.set()
    assert {answer.status_code for answer in await asyncio.gather(*slow, *young, *last)} == {200}


@pytest.mark.parametrize("path", ["/awaited", "/film"])
async def test_who_waits_for_news_or_reads_slowly_is_not_counted(
    client: httpx.AsyncClient, clock: Clock, gate: Gate, path: str
) -> None:
    tasks = await crowd(client, gate, path, 2 * LATE)
    clock.now += 60
    tasks += await crowd(client, gate, path, 1)
    gate.set()
    assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {200}


async def test_a_request_that_fails_or_is_given_up_is_forgotten(clock: Clock) -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError

    load = Load(clock)
    shell = Shedding(Starlette(routes=[Route("/", broken)]), load)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(shell, raise_app_exceptions=False), base_url="http://pod")
    for _ in range(2 * LATE):
        assert (await client.get("/")).status_code == 500
    clock.now += 60
    assert not load.behind
