"""The pages that show the programme: home and show."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onair_common.identity import NICKNAME_CHARACTERS
from onair_common.upstream import Unavailable
from web import shop
from web.site import Site

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
        lang = lang_of(request)
        shown = await site.show(request.path_params["show"], lang)
        pinned = shop.pinned((shown.entry or {}).get("cues", []), datetime.now(UTC))

        def context() -> dict[str, Any]:
            arts = [p["art"] for p in shown.products][:3]
            card = shop.card(shown.body, shown.entry, arts, timezone=settings.timezone, lang=lang)
            return {
                "show": card,
                "items": [shop.item(p, shown.sales or [], lang) for p in shown.products],
                "pinned": pinned,
                "data": shown.data(settings.region, card.state),
                "payments": PAYMENTS,
                "nickname_characters": NICKNAME_CHARACTERS,
                "stale": shown.old,
                "away": shown.away,
            }

        visit = site.visitors.visit(request, lang)
        sources = (shown.body, shown.entry, shown.sales)
        key = (pinned, shown.old, shown.live_away)
        return site.pages.render_shared(request, "show.html", visit, key=key, sources=sources, context=context)

    return [Route("/", home), Route("/shows/{show}", show)]
