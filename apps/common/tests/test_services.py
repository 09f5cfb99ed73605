"""What every service of the shop must do, asked of each: no database and no network is needed to refuse."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.routing import Route

import catalog.app
import chat.app
import live.app
import order.app
import origin.app
import web.app
import worker.app
from onair_common.asgi import Lifecycle, Shell
from onair_common.identity import COOKIE, Sessions, Viewer
from onair_common.openapi import Document
from onair_common.settings import Settings
from web.assets import Assets

KEY, LIFE = "k" * 44, Lifecycle()
SECRETS = {"SESSION_KEYS": KEY, "PEER_KEY": "p" * 44, "PAYMENT_KEY": "c" * 44}
NO_CAMERAS = cast(Any, "no picture is asked for here")
MAKERS: dict[str, Callable[[Settings, dict[str, str], Assets], Starlette]] = {
    "catalog": lambda settings, env, assets: catalog.app.create(settings, LIFE),
    "chat": lambda settings, env, assets: chat.app.create(settings, LIFE, env),
    "live": lambda settings, env, assets: live.app.create(settings, LIFE, live.app.Parts(env=env)),
    "order": lambda settings, env, assets: order.app.create(settings, LIFE, env),
    "origin": lambda settings, env, assets: origin.app.create(settings, LIFE, cameras=NO_CAMERAS),
    "web": lambda settings, env, assets: web.app.create(settings, LIFE, assets=assets, sessions=Sessions([KEY])),
    "worker": lambda settings, env, assets: worker.app.create(settings, LIFE, env),
}
WITH_DOCUMENT = ("catalog", "chat", "live", "order", "origin")
SIGNED_OTHERWISE = {"/api/order/payments/callback"}
"""Taken without a session: the provider signs it."""
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def make(
    region_env: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Starlette]:
    player = tmp_path / "hls.js"
    player.write_text("window.Hls = {};\n")
    monkeypatch.delenv("OIDC_ISSUER", raising=False)

    def make(service: str) -> Starlette:
        settings = Settings.read({"SERVICE_NAME": service, **region_env["kr"]})
        return MAKERS[service](settings, {**region_env["kr"], **SECRETS}, Assets(player))

    return make


def client_of(app: Starlette, settings: Settings | None = None, language: str = "ko") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Shell(app, settings, LIFE) if settings else app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://shop", headers={"accept-language": language})


def routes_of(app: Starlette) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        if isinstance(route, Route):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path


def address(path: str) -> str:
    """Return a path with something in its gaps that might be there."""
    return re.sub(r"\{\w+\}", "table", path)


@pytest.mark.parametrize("service", WITH_DOCUMENT)
def test_the_document_and_the_routes_are_the_same(service: str, make: Callable[[str], Starlette]) -> None:
    document = yaml.safe_load(Path(MAKERS_FILE[service]).read_text("utf-8"))
    assert Document(document)
    told = {(method.upper(), path) for path, item in document["paths"].items() for method in item if method in _METHODS}
    served = {(method, path) for method, path in routes_of(make(service)) if path.startswith(("/api/", "/video/"))}
    prefix = "/video" if service == "origin" else f"/api/{service}"
    assert served - {("GET", f"{prefix}/openapi.json")} == told


MAKERS_FILE = {
    name: str(Path(module.__file__ or "").parent / "openapi.yaml")
    for name, module in zip(WITH_DOCUMENT, (catalog.app, chat.app, live.app, order.app, origin.app), strict=True)
}
_METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.mark.parametrize("service", sorted(MAKERS))
async def test_nothing_is_changed_without_a_session_and_its_token(
    service: str, make: Callable[[str], Starlette]
) -> None:
    """Every route of every service that changes something, found by walking them: none can be forgotten."""
    app, sessions = make(service), Sessions([KEY])
    for role in ("viewer", "seller"):
        viewer = Viewer(secrets.token_hex(16), "Kim", role, int(time.time()) + 600)
        other = Viewer(secrets.token_hex(16), "Lee", role, int(time.time()) + 600)
        cookie, theirs = f"{COOKIE}={sessions.issue(viewer)}", sessions.csrf(other)
        for method, path in routes_of(app):
            if method not in CHANGING:
                continue
            for headers in ({}, {"cookie": cookie}, {"cookie": cookie, "x-csrf-token": theirs}):
                data = {"csrf": theirs if "x-csrf-token" in headers else "", "nickname": "New", "back": "/"}
                body: dict[str, Any] = {"data": data} if service == "web" else {"json": {}}
                answer = await client_of(app).request(method, address(path), headers=headers, **body)
                if path.startswith("/peer/") or path in SIGNED_OTHERWISE:
                    assert answer.status_code == 401, f"{method} {path}"
                else:
                    assert answer.status_code == (401 if not headers and service != "web" else 403), f"{method} {path}"
                assert COOKIE not in answer.headers.get("set-cookie", "")


WRONG = {"sale": 1, "sku": [], "quantity": "x", "hold": None, "kind": {}, "payment": "\ud800\0", "closes": True}
JUNK: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no JSON": {"content": b"{'a", "headers": {"content-type": "application/json"}},
    "deep JSON": {"content": b"[" * 60_000, "headers": {"content-type": "application/json"}},
    "wrong types": {"content": json.dumps(WRONG).encode(), "headers": {"content-type": "application/json"}},
    "a form": {"data": {"nickname": "\0", "csrf": "<script>", "back": "//elsewhere.example"}},
    "a large body": {"content": b"x" * (1 << 20), "headers": {"content-type": "application/json"}},
}
INSIDE = re.compile(
    r"Traceback|asyncpg|redis|httpx|Errno|Exception|[A-Za-z]Error\b|cluster\.local|127\.0\.0\.1|/apps/|\.py\b|SELECT "
)


@pytest.mark.parametrize("service", sorted(MAKERS))
@pytest.mark.parametrize("junk", JUNK)
async def test_whatever_comes_is_refused_plainly_and_tells_nothing_of_the_inside(
    junk: str, service: str, make: Callable[[str], Starlette]
) -> None:
    """All that services stand on is away here: the answer is a clear 4xx or that they are away, never a fault."""
    app, sessions = make(service), Sessions([KEY])
    viewer = Viewer(secrets.token_hex(16), "Kim", "seller", int(time.time()) + 600)
    own = {"cookie": f"{COOKIE}={sessions.issue(viewer)}", "x-csrf-token": sessions.csrf(viewer)}
    forged = {"cookie": f"{COOKIE}={Sessions(['f' * 44]).issue(viewer)}", "x-csrf-token": sessions.csrf(viewer)}
    for method, path in routes_of(app):
        for who in (own, forged):
            headers = who | JUNK[junk].get("headers", {}) | {"idempotency-key": "kr-1", "x-forwarded-for": "192.0.2.1"}
            given = JUNK[junk] | {"headers": headers}
            answer = await client_of(app).request(method, address(path), **given)
            told = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code < 500 or answer.status_code == 503, told
            if method in CHANGING and who is forged:
                assert 400 <= answer.status_code < 500, told
            if answer.status_code < 400:
                continue
            assert not INSIDE.search(answer.text), told
            if answer.headers["content-type"] == "application/problem+json":
                assert answer.json().keys() <= {"type", "title", "status", "detail", "code"}, told


@pytest.mark.parametrize("service", sorted(MAKERS))
async def test_what_is_not_there_is_said_in_both_languages(service: str, make: Callable[[str], Starlette]) -> None:
    for language, said in (("ko", "다" if service == "web" else "찾을 수 없습니다"), ("en", "no such page|Not Found")):
        answer = await client_of(make(service), language=language).get("/no/such/thing")
        assert answer.status_code == 404
        assert re.search(said, answer.text)
        media = "text/html; charset=utf-8" if service == "web" else "application/problem+json"
        assert answer.headers["content-type"] == media
        assert answer.headers["cache-control"] == "no-store"
        wrong = await client_of(make(service), language=language).request("DELETE", "/healthz")
        assert (wrong.status_code, wrong.headers["content-type"]) == (405, media)


@pytest.mark.parametrize("service", sorted(MAKERS))
async def test_metrics_have_bounded_labels_and_are_not_for_the_outside(
    service: str, make: Callable[[str], Starlette], region_env: dict[str, dict[str, str]]
) -> None:
    app = make(service)
    client = client_of(app, Settings.read({"SERVICE_NAME": service, **region_env["kr"]}))
    for number in range(20):
        for path in (f"/made-up-{number}", f"/made-up-{number}/healthz", f"/peer/made-up-{number}"):
            await client.get(path)
        await client.request(f"METHOD{number}", "/healthz")
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/metrics")).status_code == 200
    assert (await client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"})).status_code == 404
    samples = [s for family in REGISTRY.collect() if family.name.startswith("http_request") for s in family.samples]
    assert {"http_requests_total", "http_request_duration_seconds_count"} <= {s.name for s in samples}
    for name in ("route", "method", "code"):
        values = {s.labels[name] for s in samples if name in s.labels}
        assert not [v for v in values if "made-up" in v or v.startswith("METHOD")], f"{name} is unbounded"
