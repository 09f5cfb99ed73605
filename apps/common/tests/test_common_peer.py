from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from onair_common.peer import Peer, PeerAway, guarded, read_bases, read_key
from onair_common.settings import SettingError

KEY = "k" * 32


class Nodes:
    """Two nodes of a peer, each of which can be taken away."""

    def __init__(self) -> None:
        self.status: dict[str, int | None] = {"node-1": 200, "node-2": 200}
        self.calls: list[str] = []
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.peer = Peer(self.client, ["http://node-1", "http://node-2"], KEY, rounds=2, pause_seconds=0.001)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.host)
        assert request.headers["authorization"] == f"Bearer {KEY}"
        status = self.status[request.url.host]
        if status is None:
            raise httpx.ConnectTimeout("cut")
        return httpx.Response(status, json={"node": request.url.host})


async def test_the_second_node_is_asked_and_stays_first() -> None:
    nodes = Nodes()
    nodes.status["node-1"] = None
    assert (await nodes.peer.get("/peer/x")).json() == {"node": "node-2"}
    assert (await nodes.peer.post("/peer/x", {})).json() == {"node": "node-2"}
    assert nodes.calls == ["node-1", "node-2", "node-2"]


async def test_attempts_are_bounded_and_then_it_is_away() -> None:
    nodes = Nodes()
    nodes.status = {"node-1": None, "node-2": 503}
    with pytest.raises(PeerAway, match="node-2: status 503"):
        await nodes.peer.get("/peer/x")
    assert nodes.calls == ["node-1", "node-2"] * 2


async def test_an_answer_below_500_is_the_callers() -> None:
    nodes = Nodes()
    nodes.status["node-1"] = 409
    assert (await nodes.peer.get("/peer/x")).status_code == 409
    assert nodes.calls == ["node-1"]


async def test_no_address_is_away_at_once() -> None:
    with pytest.raises(PeerAway, match="no address"):
        await Peer(httpx.AsyncClient(), [], KEY).get("/peer/x")


@pytest.mark.parametrize(
    ("header", "status"),
    [(f"Bearer {KEY}", 200), ("Bearer ", 401), (None, 401), (f"Bearer {KEY}x", 401), ("Bearer é", 401), (KEY, 401)],
)
async def test_only_who_has_the_key_is_answered(header: str | None, status: int) -> None:
    async def endpoint(_: Request) -> Response:
        return PlainTextResponse("yes")

    app = Starlette(routes=[Route("/peer/x", guarded(KEY, endpoint))])
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://svc")
    headers = {} if header is None else {b"authorization": header.encode("latin-1")}
    assert (await client.get("/peer/x", headers=headers)).status_code == status


def test_settings() -> None:
    assert read_bases({"PEERS": "http://a:1/, http://b:1"}) == ["http://a:1", "http://b:1"]
    assert read_bases({}) == []
    assert read_key({"PEER_KEY": KEY}) == KEY
    for env in ({}, {"PEER_KEY": "short"}):
        with pytest.raises(SettingError, match="PEER_KEY"):
            read_key(env)
