"""The chat service: rooms over WebSockets, their history and figures over HTTP, and the relay between regions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from chat import protocol
from chat.feed import Feed
from chat.hub import Hub
from chat.log import AWAY, Limits, Log
from chat.peer import Source
from chat.relay import Relay
from chat.rooms import MAX_LIMIT, Rooms
from chat.sockets import Sockets
from chat.words import WordList
from onair_common.asgi import Lifecycle, health_routes
from onair_common.calls import http_client
from onair_common.identity import Sessions
from onair_common.openapi import Document
from onair_common.peer import read_bases, read_key
from onair_common.refusals import Words, application
from onair_common.settings import SettingError, Settings, number, text
from onair_common.upstream import Upstream
from onair_common.websocket import WebSocketOptions

WEBSOCKETS = WebSocketOptions(max_size=protocol.MAX_BYTES)
_BAD = ("요청이 올바르지 않습니다", "Bad Request")
WORDS = {
    "origin": Words(403, "허용되지 않는 곳에서 연 연결입니다", "Forbidden", "", "The Origin is not this host."),
    "bad-after": Words(
        400,
        *_BAD,
        "after: kr:12,us:7처럼 지역마다 마지막으로 본 번호를 쓰세요.",
        "after: give the last number seen by region, such as kr:12,us:7.",
    ),
    "bad-limit": Words(
        400, *_BAD, f"limit: 1부터 {MAX_LIMIT}까지의 수를 쓰세요.", f"limit: give a number from 1 to {MAX_LIMIT}."
    ),
}


def _limits(env: Mapping[str, str]) -> Limits:
    """Read the limits; raises SettingError when one is no number above zero."""
    default = Limits()
    values = {name: number(name.upper(), getattr(default, name), env) for name in ("viewer_rate", "viewer_burst")}
    values |= {name: number(name.upper(), getattr(default, name), env) for name in ("room_rate", "room_burst")}
    for name, value in values.items():
        if not value:
            raise SettingError(f"{name.upper()}: 0 would let nobody speak; set a number above it")
    return Limits(**values, retained=int(number("RETAINED", default.retained, env)) or 1)


def create(settings: Settings, lifecycle: Lifecycle, env: Mapping[str, str] = os.environ) -> Starlette:
    """Build the service; Valkey, the catalogue and the other region are asked for at first use."""
    homes = (settings.region, settings.peer_region)
    log = Log(text("VALKEY_URL", "redis://valkey.data.svc.cluster.local:6379/0", env), settings.region, _limits(env))
    feed = Feed(log, homes)
    hub = Hub(log, feed, settings.pod)
    http = http_client()
    key, bases = read_key(env), read_bases(env)
    relay = Relay(log, http, bases, key=key, home=settings.peer_region, holder=settings.pod) if bases else None
    source = Source(log, feed, key)
    catalog = Upstream(http, "catalog", text("CATALOG_URL", "http://catalog", env), fresh_seconds=10)
    rooms = Rooms(log, homes, catalog)
    sockets = Sockets(log, hub, rooms, Sessions.read(env), WordList.default())

    async def ready() -> str | None:
        return None if feed.connected else "valkey away"

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(feed.run()), asyncio.create_task(hub.run_reports())]
        pulling = asyncio.create_task(relay.run()) if relay else None

        async def hand_over() -> None:
            if relay and pulling and not pulling.cancelled():
                pulling.cancel()
                await asyncio.wait([pulling])
                await relay.stop()

        def drain() -> None:
            source.drain()
            tasks.append(asyncio.create_task(hand_over()))
            # A fifth is left for the last sockets' farewell.
            tasks.append(asyncio.create_task(hub.drain(settings.drain_seconds * 0.8)))

        lifecycle.on_drain.append(drain)
        yield
        await hand_over()
        for task in tasks:
            task.cancel()
        await http.aclose()
        await log.close()

    routes = [
        WebSocketRoute("/api/chat/rooms/{show}/socket", sockets.endpoint),
        *rooms.routes(),
        Document.of("chat").route("/api/chat/openapi.json"),
        source.route(),
        *health_routes(lifecycle, ready),
    ]
    return application(settings, routes, words=WORDS, away=AWAY, lifespan=lifespan)
