"""The seller's console: one page for a show. What it does, it does by the services' own interfaces."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from onair_common.upstream import Unavailable
from web import shop
from web.front import SHOW
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
        visit, lang, wanted = seller(request), pages.lang_of(request), request.path_params["show"]
        if visit is None:
            return elsewhere()
        if not SHOW.match(wanted):
            raise HTTPException(404)
        found, (entries, old, live_away), sales = await asyncio.gather(
            site.catalog.get(f"/api/catalog/shows/{wanted}?lang={lang}"),
            site.programme(),
            site.sales.get(f"/api/order/shows/{wanted}/sales"),
        )
        if found is None:
            raise HTTPException(404)
        entry = next((e for e in entries if e["id"] == wanted), None)
        products = found.body["products"]
        opened = sales.body["sales"] if sales else []
        card = shop.card(found.body, entry, [], timezone=settings.timezone, lang=lang)
        regions = [settings.region, settings.peer_region]
        data = {
            "show": wanted,
            "region": settings.region,
            "regions": regions,
            "state": card.state,
            "cues": (entry or {}).get("cues", []),
            "seq": (entry or {}).get("seq", 0),
            "sales": opened,
            "products": shop.variants(products),
        }
        return pages.render(
            request,
            "studio.html",
            visit=visit,
            show=card,
            items=[shop.item(p, opened, lang) for p in products],
            products=data["products"],
            regions=regions,
            data=data,
            stale=found.stale or old,
            away=["away_live"] * live_away + ["away_order"] * (sales is None),
        )

    return [Route("/sell", shows), Route("/sell/{show}", show)]
