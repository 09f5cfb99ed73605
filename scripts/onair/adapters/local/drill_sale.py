"""A sale that drills' viewers buy from, and its books afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.storm import bookkeepers, seller_of, shops_of
from onair.adapters.storm.run import CLOCKS_SECONDS, LOOK_SECONDS, open_sales
from onair.core.finding import OnairError
from onair.core.purchase import Attempt, Offer
from onair.core.storm.plan import Sale
from onair.core.storm.verify import Evidence, verify

UNITS = 1_000
"""Of each region: more than a drill's viewers can buy."""
SETTLE_SECONDS = 90.0
PREFIX = "drill-"


class DrillSale:
    """A sale in the show that viewers watch, with stock in every region that is there.

    Parameters
    ----------
    absent
        Clusters that are not there now.

    Raises
    ------
    OnairError
        If the sale cannot be opened.
    """

    def __init__(self, local: LocalPlatform, absent: Sequence[str]) -> None:
        self._began, self._books = time.time(), bookkeepers(local)
        there = [shop for shop, c in zip(shops_of(local), local.clusters, strict=True) if c.name not in absent]
        home = there[0]
        self.goods, self._seller = home.goods(), seller_of(local, home)
        offer = Offer(f"{PREFIX}{int(self._began)}", self.goods.sku)
        self._sale = Sale(offer, home.region, {shop.region: UNITS for shop in there})
        open_sales(there, self._seller, self.goods, [self._sale])

    def close(self) -> None:
        """Sell no more of it; one that cannot be closed ends by itself."""
        with contextlib.suppress(OnairError):
            self._seller.close(self._sale)

    def count(self, purchases: Sequence[Attempt]) -> dict[str, int]:
        """Wait until nothing of it is open, at most a while; returns the breaches of each invariant.

        Raises
        ------
        OnairError
            If a region's books cannot be read.
        """
        name, began = self._sale.offer.sale, time.monotonic()
        while any(each.open(name).total for each in self._books):
            if time.monotonic() - began > SETTLE_SECONDS:
                break  # the count tells what is open still
            time.sleep(LOOK_SECONDS)
        books = {each.region: each.books(name, self._began - CLOCKS_SECONDS) for each in self._books}
        own = [attempt for attempt in purchases if attempt.sale == name]
        return verify(Evidence([self._sale], books, own)).counts
