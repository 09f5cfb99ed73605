"""HTTP interface of the pages."""

from __future__ import annotations

from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onair_common.asgi import Lifecycle, health_routes
from onair_common.calls import http_client
from onair_common.identity import Sessions
from onair_common.settings import Settings, text
from onair_common.upstream import Unavailable, Upstream, closing, ready_once
from web import account, front, studio
from web.assets import Assets
from web.backends import Aside, Private
from web.pages import Pages
from web.sellers import Sellers
from web.site import Site
from web.visitors import Visitors


def create(
    settings: Settings,
    lifecycle: Lifecycle,
    client: httpx.AsyncClient | None = None,
    assets: Assets | None = None,
    *,
    sessions: Sessions | None = None,
    sellers: Sellers | None = None,
) -> Starlette:
    """Build the service."""
    http = client or http_client()
    files = assets or Assets(Path(text("PLAYER", "/opt/onair/assets/hls.js")))
    order = text("ORDER_URL", "http://order")
    pages = Pages(settings, files)
    site = Site(
        settings=settings,
        pages=pages,
        visitors=Visitors(sessions or Sessions.read()),
        catalog=Upstream(http, "catalog", text("CATALOG_URL", "http://catalog")),
        live=Aside(Upstream(http, "live", text("LIVE_URL", "http://live"))),
        sales=Aside(Upstream(http, "order", order)),
        orders=Private(http, order),
        sellers=sellers or Sellers.read(http),
    )

    async def unavailable(request: Request, _: Exception) -> Response:
        return pages.message(request, 503, retry_after="2")

    async def http_error(request: Request, error: Exception) -> Response:
        return pages.message(request, error.status_code if isinstance(error, HTTPException) else 500)

    async def first_look() -> None:
        await site.catalog.get(f"/api/catalog/shows?lang={settings.language}")

    return Starlette(
        routes=[
            *front.routes(site),
            *account.routes(site),
            *studio.routes(site),
            Route("/static/{name}", pages.static),
            *health_routes(lifecycle, ready_once(first_look)),
        ],
        exception_handlers={Unavailable: unavailable, HTTPException: http_error, Exception: http_error},
        lifespan=closing(http),
    )
