"""A region of show control with a catalogue and a link that can be cut, and what tests ask of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from onair_common.asgi import Lifecycle
from onair_common.identity import COOKIE, Sessions, Viewer

KEYS = ["k" * 32]
SESSIONS = Sessions(KEYS)
SELLER = Viewer("a" * 32, "Seller", "seller", 2**33)
VIEWER = Viewer("b" * 32, "Viewer", "viewer", 2**33)
NOW = datetime.now(UTC)


def raw_show(name: str, home: str, start: datetime, hours: int = 1) -> dict[str, Any]:
    return {
        "id": name,
        "homeRegion": home,
        "firstStart": start.isoformat(),
        "durationSeconds": hours * 3600,
        "periodSeconds": 86400,
    }


# One on air and one to come in Korea, one on air in the United States.
SHOWS = [
    raw_show("table", "kr", NOW - timedelta(minutes=20)),
    raw_show("night", "kr", NOW + timedelta(hours=9)),
    raw_show("outdoors", "us", NOW - timedelta(minutes=20)),
]
PRODUCTS = {"table": ["tea", "bowl"], "night": ["serum"], "outdoors": ["shoe"]}


def signed_in(viewer: Viewer, sessions: Sessions = SESSIONS) -> dict[str, str]:
    return {"cookie": f"{COOKIE}={sessions.issue(viewer)}", "x-csrf-token": sessions.csrf(viewer)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World(httpx.AsyncBaseTransport):
    """What one region's services reach: the catalogue, and the other region over a link."""

    catalog_up: bool = True
    link_up: bool = True
    lose_answers: int = 0
    wire: httpx.AsyncHTTPTransport = field(default_factory=httpx.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "catalog":
            if not self.catalog_up:
                raise httpx.ConnectTimeout("away")
            show = request.url.path.removeprefix("/api/catalog/shows").strip("/")
            body = {"products": [{"id": p} for p in PRODUCTS[show]]} if show else {"shows": SHOWS}
            return httpx.Response(200, json=body, request=request)
        if not self.link_up:
            raise httpx.ConnectTimeout("the link is cut")
        answer = await self.wire.handle_async_request(request)
        if request.method == "POST" and self.lose_answers:
            self.lose_answers -= 1
            await answer.aclose()
            raise httpx.ReadTimeout("the answer was lost")
        return answer


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Region:
    name: str
    world: World
    lifecycle: Lifecycle
    app: Starlette
    database: dict[str, Any]
    client: httpx.AsyncClient

    async def show(self, name: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/live/shows/{name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def act(self, name: str, what: str, body: object = None, viewer: Viewer = SELLER) -> httpx.Response:
        return await self.client.post(f"/api/live/shows/{name}/{what}", json=body, headers=signed_in(viewer))

    async def cue(self, name: str, kind: str, **more: str) -> httpx.Response:
        return await self.act(name, "cues", {"kind": kind, **more})

    async def until(self, name: str, met: Callable[[dict[str, Any]], bool], seconds: float = 15) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while not met(found := await self.show(name)):
                await asyncio.sleep(0.05)
        return found


async def read_events(client: httpx.AsyncClient, path: str, count: int, **headers: str) -> list[dict[str, Any]]:
    """Read so many events of a stream, then leave it."""
    found: list[dict[str, Any]] = []
    event = ""
    async with asyncio.timeout(15), client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        if not count:
            return found
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append({"event": event, **json.loads(line.removeprefix("data: "))})
                if len(found) == count:
                    break
    return found
