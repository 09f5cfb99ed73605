"""What all pages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onair_common.settings import Settings
from onair_common.upstream import Unavailable, Upstream
from web.backends import Aside, Private
from web.pages import Pages
from web.sellers import Sellers
from web.visitors import Visitors


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

    async def products(self, lang: str) -> list[dict[str, Any]]:
        """Return all products for words about what was bought; none when the catalogue is away."""
        try:
            answer = await self.catalog.get(f"/api/catalog/products?lang={lang}")
        except Unavailable:
            return []
        return list(answer.body["products"]) if answer else []
