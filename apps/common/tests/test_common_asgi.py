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
from onair_common.settings import Settings


@pytest.fixture
def lifecycle() -> Lifecycle:
    return Lifecycle()


@pytest.fixture
def client(lifecycle: Lifecycle, region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    async def item(_: Request) -> Response:
        return PlainTextResponse("item")

    async def told() -> AsyncIterator[str]:
        await asyncio.sleep(0.3)
        yield "data: 1\n\n"

    async def stream(_: Request) -> Response:
        return StreamingResponse(told(), media_type="text/event-stream")

    async def slow(_: Request) -> Response:
        return StreamingResponse(told(), media_type="text/plain")

    async def news(request: Request) -> Response:
        with waiting(request):
            await asyncio.sleep(0.3)
        return PlainTextResponse("news")

    async def ready() -> str | None:
        return None

    settings = Settings.read({"SERVICE_NAME": "probe", "VERSION": "9", **region_env["us"]})
    app = Starlette(
        routes=[
            Route("/items/{id}", item),
            Route("/told", stream),
            Route("/slow", slow),
            Route("/news", news),
            *health_routes(lifecycle, ready),
        ]
    )
    transport = httpx.ASGITransport(app=Shell(app, settings, lifecycle))
    return httpx.AsyncClient(transport=transport, base_url="http://pod")


async def test_every_answer_says_region_and_version(client: httpx.AsyncClient) -> None:
    for path in ("/items/1", "/nowhere", "/healthz"):
        answer = await client.get(path)
        assert (answer.headers["x-onair-region"], answer.headers["x-onair-version"]) == ("us", "9")


async def test_keeps_a_sane_request_id_and_replaces_another(client: httpx.AsyncClient) -> None:
    given = "0123abcd-request"
    assert (await client.get("/items/1", headers={"x-request-id": given})).headers["x-request-id"] == given
    for odd in ("short", "x" * 80, 'quote"injection-here'):
        assert (await client.get("/items/1", headers={"x-request-id": odd})).headers["x-request-id"] != odd


async def test_draining_fails_readiness_and_sends_clients_away(client: httpx.AsyncClient, lifecycle: Lifecycle) -> None:
    assert (await client.get("/readyz")).status_code == 200
    lifecycle.draining = True
    assert (await client.get("/readyz")).status_code == 503
    answer = await client.get("/items/1")
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert (await client.get("/healthz")).status_code == 200


async def test_metrics_are_labelled_by_route_not_by_path(client: httpx.AsyncClient) -> None:
    for path in ("/items/1", "/items/2", "/a", "/b"):
        await client.get(path)
    text = (await client.get("/metrics")).text
    assert 'http_requests_total{code="200",method="GET",route="/items/{id}"}' in text
    assert 'http_requests_total{code="404",method="GET",route="unmatched"}' in text
    assert "/items/1" not in text


async def test_a_stream_counts_until_it_begins_and_another_answer_until_it_ends(client: httpx.AsyncClient) -> None:
    for path in ("/told", "/slow"):
        await client.get(path)
    text = (await client.get("/metrics")).text
    assert 'http_request_duration_seconds_bucket{le="0.25",route="/told"} 1.0' in text
    assert 'http_request_duration_seconds_bucket{le="0.25",route="/slow"} 0.0' in text
    assert "_created" not in text


async def test_what_waits_for_news_counts_without_the_wait(client: httpx.AsyncClient) -> None:
    assert (await client.get("/news")).text == "news"
    text = (await client.get("/metrics")).text
    assert 'http_request_duration_seconds_bucket{le="0.25",route="/news"} 1.0' in text


async def test_a_pod_tells_what_it_may_use(region_env: dict[str, dict[str, str]]) -> None:
    given = {"SERVICE_NAME": "probe", "MEMORY_LIMIT_BYTES": "1048576", "CPU_REQUEST_MILLICORES": "50"}
    settings = Settings.read({**region_env["us"], **given})

    async def ready() -> str | None:
        return None

    lifecycle = Lifecycle()
    shell = Shell(Starlette(routes=health_routes(lifecycle, ready)), settings, lifecycle)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=shell), base_url="http://pod") as client:
        text = (await client.get("/metrics")).text
    assert "onair_memory_limit_bytes 1.048576e+06" in text
    assert "onair_cpu_request_cores 0.05" in text


async def test_metrics_are_not_for_the_outside(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"})).status_code == 404
