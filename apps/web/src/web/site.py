"""What all pages share."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from onair_common.settings import Settings
from onair_common.upstream import Unavailable, Upstream
from web import shop
from web.backends import Aside, Private
from web.pages import Pages
from web.sellers import Sellers
from web.visitors import Visitors

_SHOW = re.compile(r"[a-z0-9-]{1,40}\Z")


@dataclass(frozen=True)
class Shown:
    """What pages about one show are made of.

    Attributes
    ----------
    body : dict
        The catalogue's show with its products.
    entry : dict or None
        Show control's; None when it is away, or does not know the show.
    sales : list or None
        Those of this region; None when orders are away.
    old : bool
        Whether a part is what was known before.
    live_away : bool
        Whether show control is away and nothing is known.
    """

    body: dict[str, Any]
    entry: dict[str, Any] | None
    sales: list[dict[str, Any]] | None
    old: bool
    live_away: bool

    @property
    def products(self) -> list[dict[str, Any]]:
        """The products of the show."""
        return list(self.body["products"])

    @property
    def away(self) -> list[str]:
        """The words of what is missing."""
        return ["away_live"] * self.live_away + ["away_order"] * (self.sales is None)

    def data(self, region: str, state: str) -> dict[str, Any]:
        """Return what the page's script begins with."""
        return {
            "show": self.body["id"],
            "region": region,
            "state": state,
            "cues": (self.entry or {}).get("cues", []),
            "seq": (self.entry or {}).get("seq", 0),
            "sales": self.sales or [],
            "products": shop.variants(self.products),
        }


@dataclass(frozen=True)
class Site:
    """The shop as pages see it: what is behind them, and who looks at them."""

    settings: Settings
    pages: Pages
    visitors: Visitors
    catalog: Upstream
    live: Aside
    sales: Aside
    orders: Private
    sellers: Sellers | None

    async def programme(self) -> tuple[list[dict[str, Any]], bool, bool]:
        """Return show control's entries, whether they are old, and whether there are none because it is away."""
        answer = await self.live.get("/api/live/shows")
        # Without show control the page still sells: shows without a time and a video.
        return (answer.body["shows"], answer.stale, False) if answer else ([], False, True)

    async def show(self, wanted: str, lang: str) -> Shown:
        """Return all that is known of a show.

        Raises
        ------
        HTTPException
            404 when there is no such show.
        Unavailable
            When the catalogue is away and nothing is known.
        """
        if not _SHOW.match(wanted):
            raise HTTPException(404)
        found, (entries, old, live_away), sales = await asyncio.gather(
            self.catalog.get(f"/api/catalog/shows/{wanted}?lang={lang}"),
            self.programme(),
            self.sales.get(f"/api/order/shows/{wanted}/sales"),
        )
        if found is None:
            raise HTTPException(404)
        entry = next((e for e in entries if e["id"] == wanted), None)
        stale = found.stale or old or bool(sales and sales.stale)
        return Shown(found.body, entry, sales.body["sales"] if sales else None, stale, live_away)

    async def products(self, lang: str) -> list[dict[str, Any]]:
        """Return all products for words about what was bought; none when the catalogue is away."""
        try:
            answer = await self.catalog.get(f"/api/catalog/products?lang={lang}")
        except Unavailable:
            return []
        return list(answer.body["products"]) if answer else []
