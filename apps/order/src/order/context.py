"""What every handler of the service needs, made once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from onair_common import peer, settings
from onair_common.calls import http_client
from onair_common.database import Database
from onair_common.identity import Sessions
from onair_common.peer import Peer
from onair_common.settings import Settings
from onair_common.upstream import Unavailable, Upstream
from order.holds import Holds

HOLD_SECONDS = 300.0
POOL = 8


@dataclass(frozen=True)
class Price:
    """Whole minor units of an ISO 4217 currency."""

    minor: int
    currency: str


@dataclass
class Context:
    """The service's parts.

    Attributes
    ----------
    peer_key, callback_key : str
        Secrets: the other region's calls and the payment provider's callbacks.
    """

    settings: Settings
    db: Database
    holds: Holds
    sessions: Sessions
    client: httpx.AsyncClient
    catalog: Upstream
    peer: Peer
    peer_key: str
    callback_key: str

    @property
    def region(self) -> str:
        """Where this pod runs."""
        return self.settings.region

    @classmethod
    def read(
        cls,
        settings_: Settings,
        env: Mapping[str, str] = os.environ,
        db: Database | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> Context:
        """Make the parts out of the environment.

        Raises
        ------
        onair_common.settings.SettingError
            When a setting is missing or malformed.
        """
        database = db or Database(POOL)
        http = client or http_client()
        key = peer.read_key(env)
        return cls(
            settings=settings_,
            db=database,
            holds=Holds(database, settings_.region, settings.number("HOLD_SECONDS", HOLD_SECONDS, env)),
            sessions=Sessions.read(env),
            client=http,
            catalog=Upstream(http, "catalog", settings.text("CATALOG_URL", "http://catalog", env)),
            # A viewer waits for it: one round, and "pending" when that fails.
            peer=Peer(http, peer.read_bases(env), key, rounds=1),
            peer_key=key,
            callback_key=settings.text("PAYMENT_KEY", env=env),
        )

    async def price(self, show: str, sku: str) -> Price | None:
        """Return this region's price of a product of a show; None when the show has no such product.

        Raises
        ------
        onair_common.upstream.Unavailable
            When the catalogue is away.
        """
        answer = await self.catalog.get(f"/api/catalog/products?show={show}")
        if answer is None:
            return None
        if answer.stale:
            raise Unavailable("catalog: a price is not fixed by an old answer")
        for product in answer.body["products"]:
            for variant in product["variants"]:
                if variant["sku"] == sku:
                    return Price(variant["price"]["minor"], variant["price"]["currency"])
        return None
