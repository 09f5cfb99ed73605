"""HTTP interface of show control."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from live import playback
from live.api import Api
from live.control import Control
from live.exchange import Exchange
from live.replica import Replica
from live.store import Store
from live.views import Views
from live.words import WORDS
from onair_common import migrations, peer
from onair_common.asgi import Lifecycle, health_routes
from onair_common.calls import http_client
from onair_common.database import AWAY
from onair_common.identity import Sessions
from onair_common.openapi import Document
from onair_common.refusals import application
from onair_common.settings import Settings, text
from onair_common.upstream import Unavailable, Upstream, ready_once


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Parts:
    """What the service stands on; tests put their own in."""

    client: httpx.AsyncClient = field(default_factory=http_client)
    store: Store = field(default_factory=lambda: Store(size=2))
    now: Callable[[], datetime] = _utc_now
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)


def create(settings: Settings, lifecycle: Lifecycle, parts: Parts | None = None) -> Starlette:
    """Build the service; database, catalogue and the other region are asked for when they are needed."""
    given = parts or Parts()
    env, now = given.env, given.now
    catalog = Upstream(
        given.client, "catalog", text("CATALOG_URL", "http://catalog", env), now=lambda: now().timestamp()
    )
    key = peer.read_key(env)
    other = peer.Peer(given.client, peer.read_bases(env), key)
    replica = Replica(given.store, other, (settings.region, settings.peer_region))
    control = Control(settings.region, Sessions.read(env), other, replica, now)
    player = playback.read(env)
    views = Views(catalog, replica, player, now)
    document = Document.of("live")
    api = Api(views, control, replica, document, lifecycle)
    exchange = Exchange(settings.region, views, control, replica, lifecycle)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        preparing = asyncio.create_task(player.prepare())
        async with replica.running(lambda: lifecycle.draining):
            yield
        preparing.cancel()
        await given.store.close()
        await given.client.aclose()

    app = application(
        settings,
        [
            Route("/api/live/shows", api.shows),
            Route("/api/live/shows/{show}", api.show),
            Route("/api/live/shows/{show}/events", api.events),
            Route("/api/live/shows/{show}/start", api.turn("start"), methods=["POST"]),
            Route("/api/live/shows/{show}/end", api.turn("end"), methods=["POST"]),
            Route("/api/live/shows/{show}/cues", api.cue, methods=["POST"]),
            Route("/peer/events", peer.guarded(key, exchange.give)),
            Route("/peer/events", peer.guarded(key, exchange.take), methods=["POST"]),
            document.route("/api/live/openapi.json"),
            *health_routes(lifecycle, _ready(views, given.store)),
        ],
        words=WORDS,
        away=(Unavailable, *AWAY),
        lifespan=lifespan,
    )
    app.state.api, app.state.replica = api, replica
    return app


def _ready(views: Views, store: Store) -> Callable[[], Awaitable[str | None]]:
    programme_ready, wanted = ready_once(views.entries), len(migrations.load("live"))

    async def ready() -> str | None:
        try:
            version = await store.schema_version()
        except AWAY:
            version = wanted  # without its database it goes on with what it knows
        return await programme_ready() if version >= wanted else f"schema {version}, this version needs {wanted}"

    return ready
