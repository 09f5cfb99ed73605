"""The shop as people use it over HTTP: viewers' sessions, a seller who signs in and opens and closes sales."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx

from onair.core.finding import Finding, OnairError
from onair.core.purchase import Shopper
from onair.core.storm.plan import Sale

COOKIE = "__Host-onair"
SALE_HOURS = 2
AT_ONCE = 4
TRIES = 5
_CSRF = re.compile(r'<meta name="csrf" content="([^"]+)"')
_FORM = re.compile(r'<form[^>]*method="post"[^>]*action="([^"]*)"')


@dataclass(frozen=True)
class Goods:
    """A show and a product of its catalogue."""

    show: str
    sku: str


class Shop:
    """One region's shop.

    Parameters
    ----------
    address
        ``https://host:port``.
    """

    def __init__(self, region: str, address: str, trust: ssl.SSLContext | bool = True) -> None:
        self.region, self.address, self._trust = region, address, trust

    def goods(self) -> Goods:
        """Return the first product of the first show."""
        product = self.ask("GET", "/api/catalog/products")["products"][0]
        return Goods(product["show"], product["variants"][0]["sku"])

    def viewers(self, count: int) -> list[Shopper]:
        """Come in as so many new viewers: each gets a page, and with it a session."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda _: self._enter("/orders", self._browser()), range(count)))

    def seller(self, login: str, password: str) -> Seller:
        """Sign in as a person does: the issuer's form, filled in.

        Raises
        ------
        OnairError
            If the shop does not let the seller in.
        """
        with self._browser() as browser:
            page = browser.get("/sign-in/begin", follow_redirects=True)
            form = _FORM.search(page.text)
            if not page.is_success or form is None:
                raise self._refused("/sign-in/begin", page)
            where = page.url.join(unescape(form[1]))
            answer = browser.post(where, data={"login": login, "password": password}, follow_redirects=True)
            if not answer.is_success:
                raise self._refused("sign-in", answer)
            session = self._enter("/sell", browser)
        return Seller(self, {"cookie": session.cookie, "x-csrf-token": session.csrf})

    def sales(self, show: str) -> list[dict[str, Any]]:
        """Return a show's sales as this region has them."""
        found: list[dict[str, Any]] = self.ask("GET", f"/api/order/shows/{show}/sales")["sales"]
        return found

    def _enter(self, path: str, browser: httpx.Client) -> Shopper:
        page = browser.get(path)
        for _ in range(TRIES):
            if page.is_success:
                break
            time.sleep(1)
            page = browser.get(path)
        csrf, session = _CSRF.search(page.text), browser.cookies.get(COOKIE)
        if not page.is_success or csrf is None or session is None:
            raise self._refused(path, page)
        return Shopper(self.region, f"{COOKIE}={session}", unescape(csrf[1]))

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None) -> Any:  # noqa: ANN401
        """Ask until there is an answer that is no trouble on the way; every request here may be repeated."""
        with self._browser() as browser:
            for left in reversed(range(TRIES)):
                try:
                    answer = browser.request(method, path, json=body, headers=dict(headers or {}))
                except httpx.HTTPError as error:
                    if not left:
                        what = f"{self.address}{path}: {error!r}"
                        raise OnairError(Finding(rule="shop/away", what=what, mend="onair status")) from error
                else:
                    if answer.is_success:
                        return answer.json()
                    if not answer.is_server_error or not left:
                        raise self._refused(path, answer)
                time.sleep(1)
        raise AssertionError("the last try returns or raises")

    def _browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, verify=self._trust, timeout=15, trust_env=False)

    def _refused(self, path: str, answer: httpx.Response) -> OnairError:
        what = f"{self.address} {path}: status {answer.status_code}: {' '.join(answer.text.split())[:200]}"
        return OnairError(Finding(rule="shop/refused", what=what, mend="onair status"))


@dataclass(frozen=True)
class Seller:
    """A seller who signed in at one region's shop; the session counts in every region."""

    shop: Shop
    headers: Mapping[str, str]

    def at(self, shop: Shop) -> Seller:
        """Return the same seller at another region's shop."""
        return replace(self, shop=shop)

    def open(self, sale: Sale, goods: Goods, now: datetime | None = None) -> None:
        """Open a sale here, with stock for each region; the same again changes nothing."""
        closes = (now or datetime.now(UTC)) + timedelta(hours=SALE_HOURS)
        body = {
            "sale": sale.offer.sale,
            "show": goods.show,
            "sku": goods.sku,
            "quantity": sale.quantity,
            "closes": closes.isoformat(),
        }
        self.shop.ask("POST", "/api/order/sales", self.headers, body)

    def close(self, sale: Sale) -> None:
        """Close a sale, in both regions."""
        self.shop.ask("POST", f"/api/order/sales/{sale.offer.sale}/close", self.headers)


def targets(shops: Sequence[Shop]) -> dict[str, str]:
    """Return the address of each region's shop."""
    return {shop.region: shop.address for shop in shops}
