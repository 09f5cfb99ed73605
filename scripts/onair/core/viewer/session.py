"""One viewer's session: a look at the shop's front page, then a show: watching, talking, and perhaps buying."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection
from datetime import datetime
from html import unescape
from typing import Any

from onair.core import purchase
from onair.core.purchase import Attempt, Buyer, Offer, Shopper, new_key
from onair.core.scenario import Ending, Reply, Visit
from onair.core.viewer.plan import Habits, drawn
from onair.core.viewer.talk import Talker
from onair.core.viewer.video import Player

COOKIE = "__Host-onair"
PAGE_TRIES, PAGE_PAUSE = 3, 1.0
"""A viewer whose page does not come reloads it; every failure counts."""
_CSRF = re.compile(r'<meta name="csrf" content="([^"]+)"')
_VIDEO = re.compile(r"/video/[a-z]{2,8}/index\.m3u8")


class Session:
    """The scenario of a viewer near one region.

    Parameters
    ----------
    geo
        Where the viewer is; the platform decides which region serves.
    regions
        Regions that may serve; each is the platform's name in the plan.
    """

    def __init__(
        self, geo: str, show: str, habits: Habits, regions: Collection[str], now: Callable[[], float] = time.time
    ) -> None:
        self._geo, self._show, self._habits, self._regions, self._now = geo, show, habits, regions, now
        self.purchases: list[Attempt] = []

    async def play(self, visit: Visit) -> Ending:
        """Come in, look around, and leave."""
        headers = {"cookie": f"geo={self._geo}", "accept-language": "en"}
        if await self._page(visit, "/", headers) is None:
            return Ending("no-front-page", ok=False)
        await visit.pause(drawn(visit.random, self._habits.thinks))
        page = await self._page(visit, f"/shows/{self._show}", headers)
        if page is None:
            return Ending("no-show-page", ok=False)
        text = page.body.decode(errors="replace")
        csrf, video = _CSRF.search(text), _VIDEO.search(text)
        cookie = next((each for each in page.cookies if each.startswith(f"{COOKIE}=")), None)
        if csrf is None or cookie is None:
            return Ending(f"page-without-{'session' if cookie is None else 'token'}", ok=False)
        headers["cookie"] = f"{cookie}; geo={self._geo}"
        until = visit.elapsed + self._habits.stay(visit.random)
        region = page.region if page.region in self._regions else self._geo
        talker = Talker(visit, region, self._show, headers, talks=self._habits.talks, patience=self._habits.patience)
        shopper = Shopper(region, headers["cookie"], unescape(csrf[1]))
        async with asyncio.TaskGroup() as tasks:
            if video is None:
                visit.tell("watch", "no-player", since=visit.elapsed, ok=False, region=page.region)
            else:
                tasks.create_task(Player(visit, region, video[0], headers).play(until))
            tasks.create_task(talker.talk(until))
            if visit.random.random() < self._habits.buys:
                tasks.create_task(self._buy(visit, shopper))
        return Ending("left")

    async def _page(self, visit: Visit, path: str, headers: dict[str, str]) -> Reply | None:
        for _ in range(PAGE_TRIES):
            reply = await visit.ask("browse", self._geo, "GET", path, headers=headers)
            if reply.status == 200:
                return reply
            await visit.pause(PAGE_PAUSE)
        return None

    async def _buy(self, visit: Visit, shopper: Shopper) -> None:
        """Choose a piece of an open sale, hold it, think, and pay; what there is to buy, the page asks as well."""
        await visit.pause(drawn(visit.random, self._habits.thinks))
        began, path = visit.elapsed, f"/api/order/shows/{self._show}/sales"
        sales = await visit.ask("sales", shopper.region, "GET", path, headers={"cookie": shopper.cookie})
        offer = self._choose(sales.json())
        if offer is None:
            outcome = "nothing-on-sale" if sales.status == 200 else "no-sales"
            visit.tell("buy", outcome, since=began, ok=sales.status == 200, region=sales.region)
            return
        attempt = Attempt(visit.number, shopper.region, offer.sale, new_key(shopper.region))
        self.purchases.append(attempt)
        habits = purchase.Habits(
            leaves=0, times_out=0, told_twice=0, never_heard=0, loses=0,
            thinks=self._habits.thinks, bound=self._habits.bound,
        )  # fmt: skip
        ending = await Buyer(visit, shopper, attempt, habits, [shopper.region]).buy(offer)
        attempt.outcome = ending.outcome
        visit.tell("buy", ending.outcome, since=began, ok=ending.ok, region=sales.region)

    def _choose(self, answer: dict[str, Any]) -> Offer | None:
        """Return the newest sale that is open and has stock."""
        for sale in answer.get("sales", []):
            closes = datetime.fromisoformat(sale["closes"]).timestamp()
            if sale["state"] == "open" and sale["left"] > 0 and closes > self._now():
                return Offer(sale["sale"], sale["sku"])
        return None
