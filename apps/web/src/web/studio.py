"""The seller's console: one page for a show. What it does, it does by the services' own interfaces."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from onair_common.identity import NICKNAME_CHARACTERS
from onair_common.upstream import Unavailable
from web import shop
from web.site import Site
from web.visitors import Visit


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of the console; they are for sellers only."""
    settings, pages = site.settings, site.pages

    def seller(request: Request) -> Visit | None:
        visit = site.visitors.known(request)
        return visit if visit and visit.viewer.role == "seller" else None

    def elsewhere() -> Response:
        return RedirectResponse("/sign-in", 303, {"cache-control": "no-store"})

    async def shows(request: Request) -> Response:
        visit, lang = seller(request), pages.lang_of(request)
        if visit is None:
            return elsewhere()
        found, products, (entries, old, away) = await asyncio.gather(
            site.catalog.get(f"/api/catalog/shows?lang={lang}"), site.products(lang), site.programme()
        )
        if found is None:
            raise Unavailable("catalog: no such address")
        on_air, coming = shop.programme(
            found.body["shows"], entries, products, timezone=settings.timezone, lang=lang, region=settings.region
        )
        return pages.render(
            request,
            "sell.html",
            visit=visit,
            shows=on_air + coming,
            stale=found.stale or old,
            away=["away_live"] if away else [],
        )

    async def show(request: Request) -> Response:
        visit, lang = seller(request), pages.lang_of(request)
        if visit is None:
            return elsewhere()
        shown = await site.show(request.path_params["show"], lang)
        card = shop.card(shown.body, shown.entry, [], timezone=settings.timezone, lang=lang)
        data = shown.data(settings.region, card.state) | {"regions": [settings.region, settings.peer_region]}
        return pages.render(
            request,
            "studio.html",
            visit=visit,
            show=card,
            items=[shop.item(p, shown.sales or [], lang) for p in shown.products],
            data=data,
            nickname_characters=NICKNAME_CHARACTERS,
            stale=shown.old,
            away=shown.away,
        )

    return [Route("/sell", shows), Route("/sell/{show}", show)]
