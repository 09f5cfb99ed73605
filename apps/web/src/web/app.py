"""HTTP interface of the pages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from onair_common.asgi import Lifecycle, health_routes
from onair_common.settings import Settings, text
from onair_common.upstream import Answer, Unavailable, Upstream, closing, ready_once
from web import shop
from web.assets import Assets
from web.pages import Pages


def create(
    settings: Settings, lifecycle: Lifecycle, client: httpx.AsyncClient | None = None, assets: Assets | None = None
) -> Starlette:
    """Build the service."""
    http = client or httpx.AsyncClient(trust_env=False)
    catalog = Upstream(http, "catalog", text("CATALOG_URL", "http://catalog"))
    live = Upstream(http, "live", text("LIVE_URL", "http://live"))
    files = assets or Assets(Path(text("PLAYER", "/opt/onair/assets/hls.js")))
    pages = Pages(settings, files)
    lang_of, page = pages.lang_of, pages.render

    async def entries() -> Answer:
        # Without show control the page still sells: shows without a time and a video.
        try:
            return await live.get("/api/live/shows") or Answer({"shows": []}, stale=True, as_of=0)
        except Unavailable:
            return Answer({"shows": []}, stale=True, as_of=0)

    async def home(request: Request) -> Response:
        lang = lang_of(request)
        shows, products, programme = await asyncio.gather(
            catalog.get(f"/api/catalog/shows?lang={lang}"), catalog.get(f"/api/catalog/products?lang={lang}"), entries()
        )
        if shows is None or products is None:
            raise Unavailable("catalog: no such address")
        on_air, coming = shop.programme(
            shows.body["shows"],
            programme.body["shows"],
            products.body["products"],
            timezone=settings.timezone,
            lang=lang,
            region=settings.region,
        )
        stale = shows.stale or products.stale or programme.stale
        return page(request, "home.html", on_air=on_air, coming=coming, stale=stale)

    async def show(request: Request) -> Response:
        lang, wanted = lang_of(request), request.path_params["show"]
        if not wanted.replace("-", "").isalnum() or not wanted.isascii():
            raise HTTPException(404)
        found, programme = await asyncio.gather(catalog.get(f"/api/catalog/shows/{wanted}?lang={lang}"), entries())
        if found is None:
            raise HTTPException(404)
        entry = next((e for e in programme.body["shows"] if e["id"] == wanted), None)
        arts = [p["art"] for p in found.body["products"]][:3]
        return page(
            request,
            "show.html",
            show=shop.card(found.body, entry, arts, timezone=settings.timezone, lang=lang),
            items=[shop.item(p, lang) for p in found.body["products"]],
            stale=found.stale or programme.stale,
        )

    async def unavailable(request: Request, _: Exception) -> Response:
        response = page(request, "message.html", 503, message="503", stale=False)
        response.headers["retry-after"] = "2"
        return response

    async def http_error(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 404:
            return page(request, "message.html", 404, message="404", stale=False)
        return PlainTextResponse(f"{status}\n", status)

    async def first_look() -> None:
        await catalog.get(f"/api/catalog/shows?lang={settings.language}")

    return Starlette(
        routes=[
            Route("/", home),
            Route("/shows/{show}", show),
            Route("/static/{name}", pages.static),
            *health_routes(lifecycle, ready_once(first_look)),
        ],
        exception_handlers={Unavailable: unavailable, HTTPException: http_error},
        lifespan=closing(http),
    )
