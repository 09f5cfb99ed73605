from __future__ import annotations

import asyncio

import httpx
import pytest
import structlog

from onair_common.calls import TRIES, http_client, read
from onair_common.pauses import attempts, jittered


class Service:
    """Answers with what is planned, and the last of it for ever."""

    def __init__(self, *planned: int | Exception) -> None:
        self.planned, self.asked = list(planned), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        what = self.planned.pop(0) if len(self.planned) > 1 else self.planned[0]
        if isinstance(what, Exception):
            raise what
        return httpx.Response(what)

    @property
    def client(self) -> httpx.AsyncClient:
        return http_client(httpx.MockTransport(self))


@pytest.mark.parametrize(
    ("planned", "status", "asked"),
    [
        ((200,), 200, 1),
        ((404,), 404, 1),
        ((500,), 500, 1),
        ((503, 200), 200, 2),
        ((502,), 502, TRIES),
        ((httpx.ConnectError("x"), 200), 200, 2),
        ((httpx.RemoteProtocolError("closed"), 200), 200, 2),
    ],
)
async def test_what_passes_is_tried_again_once(planned: tuple[int | Exception, ...], status: int, asked: int) -> None:
    service = Service(*planned)
    assert (await read(service.client, "http://x/")).status_code == status
    assert len(service.asked) == asked


@pytest.mark.parametrize(("error", "asked"), [(httpx.ReadTimeout("slow"), 1), (httpx.ConnectError("no"), TRIES)])
async def test_attempts_are_bounded_and_a_slow_one_is_not_waited_for_twice(error: Exception, asked: int) -> None:
    service = Service(error)
    with pytest.raises(type(error)):
        await read(service.client, "http://x/")
    assert len(service.asked) == asked


async def test_the_request_id_goes_along() -> None:
    service = Service(200)
    structlog.contextvars.bind_contextvars(request_id="0123abcd")
    try:
        await read(service.client, "http://x/")
    finally:
        structlog.contextvars.unbind_contextvars("request_id")
    await read(service.client, "http://x/")
    assert [r.headers.get("x-request-id") for r in service.asked] == ["0123abcd", None]


async def test_every_call_has_a_timeout_of_its_own() -> None:
    timeout = http_client().timeout
    assert None not in (timeout.connect, timeout.read, timeout.write, timeout.pool)


async def test_pauses_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert [n async for n in attempts(30, 1.0)] == list(range(30))
    assert len(waited) == 29
    assert all(0.5 <= seconds <= 1.5 for seconds in waited)
    assert len(set(waited)) > 5
    assert jittered(0) == 0
