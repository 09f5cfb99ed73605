"""What a page shows, put together from the catalogue, show control and orders. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from web import words

VIDEO_DELAY = timedelta(seconds=6)
"""About how far a viewer's picture lies behind the clock: where a page without script takes the cues to be."""


@dataclass(frozen=True)
class Card:
    """A show on the home page, or the head of its own page."""

    id: str
    title: str
    host: str
    summary: str
    state: str
    starts_at: str
    starts: str
    playback: str | None
    arts: list[str]

    @property
    def on_air(self) -> bool:
        """Whether it is on air."""
        return self.state == "on-air"


@dataclass(frozen=True)
class Offer:
    """A sale of one of a product's variants that is open in this region."""

    sale: str
    sku: str
    left: int
    closes: str


@dataclass(frozen=True)
class Item:
    """A product card."""

    id: str
    name: str
    summary: str
    art: str
    price: str
    was: str | None
    off: int
    options: list[str]
    offers: list[Offer]

    @property
    def left(self) -> int:
        """Units left in this region, of all variants on sale."""
        return sum(offer.left for offer in self.offers)


def card(show: dict[str, Any], entry: dict[str, Any] | None, arts: list[str], *, timezone: str, lang: str) -> Card:
    """Join a show of the catalogue with its entry in the programme (None when show control does not know it)."""
    state = (entry.get("state") or entry["status"]) if entry else "unknown"
    starts_at = entry["startsAt"] if entry else ""
    return Card(
        id=show["id"],
        title=show["title"],
        host=show["host"],
        summary=show["summary"],
        state=state,
        starts_at=starts_at,
        starts=words.clock(starts_at, timezone, lang) if starts_at else "",
        playback=entry["playback"]["url"] if entry and state == "on-air" else None,
        arts=arts,
    )


def programme(
    shows: list[dict[str, Any]],
    entries: list[dict[str, Any]],
    products: list[dict[str, Any]],
    *,
    timezone: str,
    lang: str,
    region: str,
) -> tuple[list[Card], list[Card]]:
    """Return the shows on air, the region's own first, and the ones to come, the soonest first."""
    by_id = {e["id"]: e for e in entries}
    ordered = sorted(shows, key=lambda s: s["homeRegion"] != region)
    cards = [
        card(
            show,
            by_id.get(show["id"]),
            [p["art"] for p in products if p["show"] == show["id"]][:3],
            timezone=timezone,
            lang=lang,
        )
        for show in ordered
    ]
    return [c for c in cards if c.on_air], sorted((c for c in cards if not c.on_air), key=lambda c: c.starts_at or "~")


def item(product: dict[str, Any], sales: list[dict[str, Any]], lang: str) -> Item:
    """Return a product's card; the cheapest variant gives the price, and open sales what is left."""
    price = min((v["price"] for v in product["variants"]), key=lambda p: p["minor"])
    skus = {v["sku"] for v in product["variants"]}
    return Item(
        id=product["id"],
        name=product["name"],
        summary=product["summary"],
        art=product["art"],
        price=words.price(price["minor"], price["currency"], lang),
        was=words.price(price["listMinor"], price["currency"], lang) if price["listMinor"] else None,
        off=words.discount(price["minor"], price["listMinor"]),
        options=[v["label"] for v in product["variants"] if v["label"]],
        offers=[
            Offer(s["sale"], s["sku"], s["left"], s["closes"])
            for s in sales
            if s["state"] == "open" and s["sku"] in skus
        ],
    )


def pinned(cues: list[dict[str, Any]], now: datetime) -> str | None:
    """Return the product that the picture shows at an instant, as a page without script must guess it."""
    seen = [c for c in cues if c["kind"] in {"pin", "unpin"} and _instant(c["at"]) <= now - VIDEO_DELAY]
    last = max(seen, key=lambda c: _instant(c["at"]), default=None)
    return last.get("product") if last and last["kind"] == "pin" else None


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def variants(products: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the page's script must know of the products."""
    return [
        {
            "id": p["id"],
            "name": p["name"],
            "variants": [
                {"sku": v["sku"], "label": v["label"], "minor": v["price"]["minor"], "currency": v["price"]["currency"]}
                for v in p["variants"]
            ],
        }
        for p in products
    ]


@dataclass(frozen=True)
class Bought:
    """An order in the list, or on its own page; texts are empty where they are not known."""

    key: str
    state: str
    name: str
    art: str
    label: str
    quantity: int
    amount: str
    at: str
    when: str
    show: str


def bought(order: dict[str, Any], products: list[dict[str, Any]], *, timezone: str, lang: str) -> Bought:
    """Return an order with the words of the catalogue for what was bought."""
    sku, amount = order.get("sku", ""), order.get("amount")
    found = next(((p, v) for p in products for v in p["variants"] if v["sku"] == sku), None)
    at = order.get("createdAt", "")
    return Bought(
        key=order["order"],
        state=order["state"],
        name=found[0]["name"] if found else sku,
        art=found[0]["art"] if found else "",
        label=(found[1]["label"] or "") if found else "",
        quantity=order.get("quantity", 0),
        amount=words.price(amount["minor"], amount["currency"], lang) if amount else "",
        at=at,
        when=words.clock(at, timezone, lang) if at else "",
        show=order.get("show", ""),
    )
