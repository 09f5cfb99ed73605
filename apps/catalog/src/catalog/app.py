"""HTTP interface of the catalogue.

Starlette and not FastAPI: there is no request body to validate, and pydantic would cost about as much memory as the
rest of the service.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.store import Store
from onair_common import migrations
from onair_common.asgi import Lifecycle, health_routes
from onair_common.database import AWAY
from onair_common.openapi import Document
from onair_common.refusals import Refused, Words, application
from onair_common.settings import Settings

_ID = re.compile(r"[a-z0-9-]{1,40}\Z")
_LANG = re.compile(r"[a-z]{2}\Z")
WORDS = {
    "bad-lang": Words(
        400,
        "요청이 올바르지 않습니다",
        "Bad Request",
        "lang: ko, en 같은 두 글자 언어 코드를 쓰세요.",
        "lang: give a two-letter language code such as ko or en.",
    ),
    "bad-show": Words(
        400, "요청이 올바르지 않습니다", "Bad Request", "show: 방송의 id를 쓰세요.", "show: give the id of a show."
    ),
}


def _revalidated(request: Request, body: dict[str, Any]) -> Response:
    """Answer with a strong ETag over the body; 304 when the client has it already."""
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    etag = f'"{hashlib.blake2b(raw, digest_size=12).hexdigest()}"'
    headers = {"etag": etag, "cache-control": "no-cache", "vary": "accept-encoding"}
    # A proxy that compresses makes the tag weak (RFC 9110 8.8.3): compare weakly.
    given = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in given or "*" in given:
        return Response(status_code=304, headers=headers)
    return Response(raw, headers=headers, media_type="application/json")


def create(settings: Settings, lifecycle: Lifecycle, store: Store | None = None) -> Starlette:
    """Build the service; the database is asked for at first use."""
    db = store or Store()

    def lang_of(request: Request) -> str:
        lang = request.query_params.get("lang", settings.language)
        if not _LANG.match(lang):
            raise Refused("bad-lang")
        return lang

    async def shows(request: Request) -> Response:
        return _revalidated(request, {"shows": await db.shows(lang_of(request))})

    async def show(request: Request) -> Response:
        wanted_id = request.path_params["show"]
        lang = lang_of(request)
        found = await db.shows(lang, wanted_id) if _ID.match(wanted_id) else []
        if not found:
            raise Refused("unknown")
        products = await db.products(lang, settings.currency, wanted_id)
        return _revalidated(request, found[0] | {"products": products})

    async def products(request: Request) -> Response:
        wanted_show = request.query_params.get("show")
        if wanted_show is not None and not _ID.match(wanted_show):
            raise Refused("bad-show")
        found = await db.products(lang_of(request), settings.currency, wanted_show)
        return _revalidated(request, {"currency": settings.currency, "products": found})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await db.close()

    routes = [
        Route("/api/catalog/shows", shows),
        Route("/api/catalog/shows/{show}", show),
        Route("/api/catalog/products", products),
        Document.of("catalog").route("/api/catalog/openapi.json"),
        *health_routes(lifecycle, db.ready(len(migrations.load("catalog")))),
    ]
    return application(settings, routes, words=WORDS, away=AWAY, lifespan=lifespan)
