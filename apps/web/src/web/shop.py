"""What a page shows, put together from the catalogue and show control. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web import words


@dataclass(frozen=True)
class Card:
    """A show on the home page, or the head of its own page."""

    id: str
    title: str
    host: str
    summary: str
    on_air: bool
    starts_at: str
    starts: str
    playback: str | None
    arts: list[str]


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


def card(show: dict[str, Any], entry: dict[str, Any] | None, arts: list[str], *, timezone: str, lang: str) -> Card:
    """Join a show of the catalogue with its entry in the programme (None when show control does not know it)."""
    on_air = bool(entry) and entry is not None and entry["status"] == "on-air"
    starts_at = entry["startsAt"] if entry else ""
    return Card(
        id=show["id"],
        title=show["title"],
        host=show["host"],
        summary=show["summary"],
        on_air=on_air,
        starts_at=starts_at,
        starts=words.clock(starts_at, timezone, lang) if starts_at else "",
        playback=entry["playback"]["url"] if entry and on_air else None,
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


def item(product: dict[str, Any], lang: str) -> Item:
    """Return a product's card; the cheapest variant gives the price."""
    price = min((v["price"] for v in product["variants"]), key=lambda p: p["minor"])
    return Item(
        id=product["id"],
        name=product["name"],
        summary=product["summary"],
        art=product["art"],
        price=words.price(price["minor"], price["currency"], lang),
        was=words.price(price["listMinor"], price["currency"], lang) if price["listMinor"] else None,
        off=words.discount(price["minor"], price["listMinor"]),
        options=[v["label"] for v in product["variants"] if v["label"]],
    )
