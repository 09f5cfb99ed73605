"""What is behind the pages, as answers to their client; the sellers' provider; what a test reads out of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from onair_common.identity import COOKIE, Sessions, Viewer
from onair_common.sign_in import Account, Flow, Reason, SignInError

KEYS = ["k" * 44]
SHOW = {"id": "table", "homeRegion": "kr", "title": "A <b>show</b>", "host": "Lee & Co", "summary": "s"}
LATER = SHOW | {"id": "later", "title": "Later"}
PRODUCT = {
    "id": "jar",
    "show": "table",
    "art": "moon-jar",
    "name": "Jar",
    "summary": "White",
    "variants": [
        {"sku": "J1", "label": "Big", "price": {"currency": "KRW", "minor": 50000, "listMinor": None}},
        {"sku": "J2", "label": "Small", "price": {"currency": "KRW", "minor": 39000, "listMinor": 52000}},
    ],
}
SALE = {"sale": "s1", "show": "table", "sku": "J1", "state": "open", "left": 3, "closes": "2026-11-23T13:00:00+00:00"}
KEY = "kr-" + "0" * 12 + "4" + "0" * 3 + "8" + "0" * 15
ORDER = {
    "order": KEY,
    "state": "paid",
    "show": "table",
    "sku": "J1",
    "quantity": 2,
    "amount": {"minor": 100000, "currency": "KRW"},
    "createdAt": "2026-11-23T12:00:00+00:00",
}
ENTRIES = [
    {
        "id": show,
        "status": status,
        "startsAt": "2026-11-23T12:00:00+00:00",
        "endsAt": "2026-11-23T13:00:00+00:00",
        "playback": {"kind": "origin", "url": "/video/kr/index.m3u8"},
    }
    for show, status in (("table", "on-air"), ("later", "scheduled"))
]


class Issuer:
    """A provider that lets in who brings the right code."""

    async def begin(self, redirect_uri: str, after: str = "/") -> tuple[str, Flow]:
        return f"https://issuer/auth?redirect_uri={redirect_uri}", Flow("s", "n", "v", redirect_uri, after)

    async def finish(self, flow: Flow | None, query: Mapping[str, str]) -> Account:
        code = query.get("code", "")
        if flow is None or code != "right":
            raise SignInError(REASONS.get(code, "stale"), "no")
        return Account("5" * 32, "Maya <b>")


REASONS: dict[str, Reason] = {"away": "away", "no": "refused", "forged": "invalid"}


class Behind:
    """What is behind the pages, each of which can be away."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.asked: list[httpx.Request] = []
        self.order: dict[str, Any] | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host in self.away:
            raise httpx.ConnectError("away")
        path = request.url.path
        if path == "/api/live/shows":
            body: dict[str, Any] = {"shows": ENTRIES}
        elif path == "/api/catalog/shows":
            body = {"shows": [SHOW, LATER]}
        elif path == "/api/catalog/products":
            body = {"products": [PRODUCT]}
        elif path == "/api/catalog/shows/table":
            body = SHOW | {"products": [PRODUCT]}
        elif path == "/api/catalog/shows/later":
            body = LATER | {"products": []}
        elif path == "/api/order/shows/table/sales":
            body = {"sales": [SALE, SALE | {"sale": "s2", "sku": "J2", "state": "closed"}]}
        elif path.startswith("/api/order/orders"):
            return self.orders(request)
        else:
            return httpx.Response(404)
        return httpx.Response(200, json=body)

    def orders(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/order/orders":
            return httpx.Response(200, json={"orders": [self.order] if self.order else [], "complete": False})
        return httpx.Response(200, json=self.order) if self.order else httpx.Response(404)


def session_of(client: httpx.AsyncClient) -> Viewer:
    viewer = Sessions(KEYS).viewer(client.cookies.get(COOKIE))
    assert viewer is not None
    return viewer


def token_in(page: str) -> str:
    found = re.search(r'<meta name="csrf" content="([^"]+)"', page)
    assert found
    return found[1]
