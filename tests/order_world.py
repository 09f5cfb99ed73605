"""Two regions, each with a database and a service of its own; the peer link is ASGI and can be cut."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from onair_common import migrate, migrations
from onair_common.asgi import Lifecycle
from onair_common.database import Database
from onair_common.identity import COOKIE, Role, Sessions, Viewer
from onair_common.settings import Settings
from order import app, keys
from order.context import Context

KEYS = "s" * 40
ENV = {
    "SESSION_KEYS": KEYS,
    "PEER_KEY": "p" * 32,
    "PAYMENT_KEY": "c" * 32,
    "PEERS": "http://peer",
    "CATALOG_URL": "http://catalog",
    "HOLD_SECONDS": "60",
}
PRICES = {"kr": {"minor": 39000, "currency": "KRW"}, "us": {"minor": 2900, "currency": "USD"}}
SALE = {"sale": "tea", "show": "seoul-table", "sku": "TEA-40"}


@dataclass
class Region:
    """One region's order service, and the network as it sees it."""

    name: str
    settings: Settings
    db: Database
    service: Starlette
    context: Context
    network: Network
    sessions: Sessions = field(default_factory=lambda: Sessions([KEYS]))

    def client(self, viewer: str = "a", role: Role = "viewer") -> httpx.AsyncClient:
        """A browser with a session, which sends the session's token."""
        who = Viewer(viewer * 32, "nick", role, int(time.time()) + 600)
        headers = {"cookie": f"{COOKIE}={self.sessions.issue(who)}", "x-csrf-token": self.sessions.csrf(who)}
        transport = httpx.ASGITransport(self.service, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://order", headers=headers)

    async def open(self, **quantity: int) -> dict[str, Any]:
        closes = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = SALE | {"quantity": quantity, "closes": closes}
        answer = await self.client(role="seller").post("/api/order/sales", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def hold(
        self, quantity: int = 1, *, viewer: str = "a", key: str | None = None, sku: str = "TEA-40"
    ) -> httpx.Response:
        body = {"sale": "tea", "sku": sku, "quantity": quantity}
        headers = {"idempotency-key": key or keys.new(self.name)}
        return await self.client(viewer).post("/api/order/holds", json=body, headers=headers)

    async def order(
        self, hold: str, *, token: str = "tok-ok", viewer: str = "a", key: str | None = None
    ) -> httpx.Response:
        headers = {"idempotency-key": key or keys.new(self.name)}
        body = {"hold": hold, "payment": {"token": token}}
        return await self.client(viewer).post("/api/order/orders", json=body, headers=headers)

    async def find(self, key: str, viewer: str = "a") -> httpx.Response:
        return await self.client(viewer).get(f"/api/order/orders/{key}")

    async def left(self) -> int:
        rows = await self.db.fetch("SELECT coalesce(sum(available), 0)::int AS n FROM allotments")
        return int(rows[0]["n"])


class Network(httpx.AsyncBaseTransport):
    """Carries a region's calls to its catalogue and to the other region; the link can be cut, or lose answers."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.peer: httpx.ASGITransport | None = None
        self.callbacks: httpx.ASGITransport | None = None
        self.cut = False
        self.lose_answers = False
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """Done once, between an answer of the other region and its arrival here."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "catalog":
            variant = {"sku": "TEA-40", "price": PRICES[self.region]}
            known = request.url.params["show"] == "seoul-table"
            return httpx.Response(200, json={"products": [{"variants": [variant]}] if known else []})
        if request.url.host == "order" and self.callbacks is not None:
            return await self.callbacks.handle_async_request(request)
        if self.cut or self.peer is None:
            raise httpx.ConnectTimeout("cut")
        answer = await self.peer.handle_async_request(request)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.lose_answers:
            raise httpx.ReadTimeout("lost")
        return answer


Regions = dict[str, Region]
MakeDatabase = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
async def make_regions(
    make_database: MakeDatabase, region_env: dict[str, dict[str, str]]
) -> AsyncIterator[Callable[[], Awaitable[Regions]]]:
    """Make two regions with empty, migrated databases."""
    made: list[Region] = []

    async def make() -> Regions:
        regions = {}
        for name in ("kr", "us"):
            arguments = await make_database()
            connection = await asyncpg.connect(**arguments)
            await migrate.apply(connection, migrations.load("order"))
            await connection.close()
            settings = Settings.read({"SERVICE_NAME": "order", **region_env[name]})
            network, db = Network(name), Database(4, **arguments)
            client = httpx.AsyncClient(transport=network)
            service = app.create(settings, Lifecycle(), ENV, db, client)
            context = Context.read(settings, ENV, db, client)
            regions[name] = Region(name, settings, db, service, context, network)
        for name, peer in (("kr", "us"), ("us", "kr")):
            regions[name].network.peer = httpx.ASGITransport(regions[peer].service, raise_app_exceptions=False)
        made.extend(regions.values())
        return regions

    yield make
    for region in made:
        await region.db.close()


@pytest.fixture
async def regions(make_regions: Callable[[], Awaitable[Regions]]) -> Regions:
    """Two regions, for one test."""
    return await make_regions()
