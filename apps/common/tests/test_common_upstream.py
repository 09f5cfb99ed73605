from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from onair_common.calls import TRIES
from onair_common.upstream import Answer, Unavailable, Upstream


class Service:
    """An upstream that can be taken away, with a clock of its own."""

    def __init__(self) -> None:
        self.away = False
        self.calls: list[str | None] = []
        self.now = 1000.0
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.upstream = Upstream(client, "svc", "http://svc/", now=lambda: self.now)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.headers.get("if-none-match"))
        if self.away:
            raise httpx.ConnectError("refused")
        if request.url.path == "/none":
            return httpx.Response(404)
        if request.headers.get("if-none-match") == '"1"':
            return httpx.Response(304)
        return httpx.Response(200, json={"n": 1}, headers={"etag": '"1"'})


@pytest.fixture
def service() -> Service:
    return Service()


async def test_fresh_answers_are_not_asked_again_and_old_ones_revalidated(service: Service) -> None:
    first = await service.upstream.get("/x")
    await service.upstream.get("/x")
    assert service.calls == [None]
    service.now += 1.5
    again = await service.upstream.get("/x")
    assert service.calls == [None, '"1"']
    assert (first, again) == (Answer({"n": 1}, stale=False, as_of=1000), Answer({"n": 1}, stale=False, as_of=1001.5))


async def test_serves_what_it_knew_and_says_so_then_recovers(service: Service) -> None:
    await service.upstream.get("/x")
    service.away, service.now = True, service.now + 60
    for _ in range(5):
        assert await service.upstream.get("/x") == Answer({"n": 1}, stale=True, as_of=1000)
    assert len(service.calls) == 1 + TRIES, "only one request may wait for a dead service"
    service.away, service.now = False, service.now + 3
    assert await service.upstream.get("/x") == Answer({"n": 1}, stale=False, as_of=1063)


async def test_nothing_known_is_unavailable(service: Service) -> None:
    service.away = True
    with pytest.raises(Unavailable, match="svc"):
        await service.upstream.get("/x")


async def test_404_is_none_and_memory_is_bounded(service: Service) -> None:
    assert await service.upstream.get("/none") is None
    for n in range(200):
        await service.upstream.get(f"/{n}")
    assert len(service.upstream._known) == 64


@pytest.mark.parametrize(
    "broken", [lambda _: httpx.Response(500), lambda _: httpx.Response(200, text="<html>not json")]
)
async def test_an_error_or_garbage_counts_as_away(broken: Callable[[httpx.Request], httpx.Response]) -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(broken))
    with pytest.raises(Unavailable):
        await Upstream(client, "svc", "http://svc").get("/x")


async def test_what_nobody_knows_yet_is_asked_for_once() -> None:
    asked, go = list[str](), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        await go.wait()
        return httpx.Response(200, json={"n": len(asked)})

    upstream = Upstream(httpx.AsyncClient(transport=httpx.MockTransport(slow)), "other", "http://other")
    impatient, *patient = [asyncio.create_task(upstream.get("/x")) for _ in range(20)]
    await asyncio.sleep(0.01)
    impatient.cancel()
    go.set()
    answers = await asyncio.gather(*patient)
    assert asked == ["/x"]
    assert all(a is not None and a.body == {"n": 1} for a in answers)
    assert impatient.cancelled()


async def test_all_who_wait_hear_that_a_service_is_away() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    upstream = Upstream(httpx.AsyncClient(transport=httpx.MockTransport(away)), "other", "http://other")
    found = await asyncio.gather(*(upstream.get("/x") for _ in range(5)), return_exceptions=True)
    assert [type(f) for f in found] == [Unavailable] * 5
