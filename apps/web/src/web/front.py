"""The pages that show the programme: home and show."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onair_common.identity import NICKNAME_CHARACTERS
from onair_common.upstream import Unavailable
from web import shop
from web.site import Site

SHOW = re.compile(r"[a-z0-9-]{1,40}\Z")
PAYMENTS = (("tok-card", "pay_ok"), ("tok-decline", "pay_decline"), ("tok-timeout", "pay_slow"))
"""Tokens of the simulated provider and the words for them."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of home and show."""
    settings, lang_of = site.settings, site.pages.lang_of

    async def home(request: Request) -> Response:
        lang = lang_of(request)
        shows, products, (entries, old, away) = await asyncio.gather(
            site.catalog.get(f"/api/catalog/shows?lang={lang}"),
            site.catalog.get(f"/api/catalog/products?lang={lang}"),
            site.programme(),
        )
        if shows is None or products is None:
            raise Unavailable("catalog: no such address")
        stale = shows.stale or products.stale or old
        listed, goods = shows.body["shows"], products.body["products"]

        def context() -> dict[str, Any]:
            on_air, coming = shop.programme(
                listed, entries, goods, timezone=settings.timezone, lang=lang, region=settings.region
            )
            return {"on_air": on_air, "coming": coming, "stale": stale, "away": ["away_live"] if away else []}

        visit = site.visitors.known(request)
        # Entries are listed anew where show control is away; what they say is in the two flags then.
        sources = (listed, goods, *entries)
        return site.pages.render_shared(
            request, "home.html", visit, key=(stale, away, len(entries)), sources=sources, context=context
        )

    async def show(request: Request) -> Response:
        lang, wanted = lang_of(request), request.path_params["show"]
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
        opened = sales.body["sales"] if sales else None
        pinned = shop.pinned((entry or {}).get("cues", []), datetime.now(UTC))
        stale = found.stale or old or bool(sales and sales.stale)

        def context() -> dict[str, Any]:
            products = found.body["products"]
            arts = [p["art"] for p in products][:3]
            card = shop.card(found.body, entry, arts, timezone=settings.timezone, lang=lang)
            return {
                "show": card,
                "items": [shop.item(p, opened or [], lang) for p in products],
                "pinned": pinned,
                "data": {
                    "show": wanted,
                    "region": settings.region,
                    "state": card.state,
                    "cues": (entry or {}).get("cues", []),
                    "seq": (entry or {}).get("seq", 0),
                    "sales": opened or [],
                    "products": shop.variants(products),
                },
                "payments": PAYMENTS,
                "nickname_characters": NICKNAME_CHARACTERS,
                "stale": stale,
                "away": ["away_live"] * live_away + ["away_order"] * (opened is None),
            }

        visit = site.visitors.visit(request, lang)
        sources = (found.body, entry, opened)
        key = (pinned, stale, live_away)
        return site.pages.render_shared(request, "show.html", visit, key=key, sources=sources, context=context)

    return [Route("/", home), Route("/shows/{show}", show)]
