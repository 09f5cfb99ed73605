"""Reads of the catalogue."""

from __future__ import annotations

from typing import Any

from onair_common.database import Database

# One statement a page part; a text falls back to any other language rather than to nothing.
_TEXT = """(SELECT t.value FROM texts t WHERE t.subject = '{subject}' AND t.id = {id} AND t.field = '{field}'
            ORDER BY t.lang = $1 DESC, t.lang LIMIT 1)"""


def _text(subject: str, column: str, field: str) -> str:
    return _TEXT.format(subject=subject, id=column, field=field) + f" AS {field}"


# S608: only the constants of this file are put in; values are bound.
_SHOWS = f"""
SELECT s.id, s.home_region, s.first_start, s.duration_seconds, s.period_seconds,
       {_text("show", "s.id", "title")}, {_text("show", "s.id", "host")}, {_text("show", "s.id", "summary")}
FROM shows s WHERE $2::text IS NULL OR s.id = $2 ORDER BY s.position"""  # noqa: S608

_PRODUCTS = f"""
SELECT p.id, p.show_id, p.art, {_text("product", "p.id", "name")}, {_text("product", "p.id", "summary")},
       v.sku, {_text("variant", "v.sku", "label")}, r.currency, r.minor, r.list_minor
FROM products p JOIN variants v ON v.product_id = p.id JOIN prices r ON r.sku = v.sku AND r.currency = $2
WHERE $3::text IS NULL OR p.show_id = $3 ORDER BY p.position, v.position"""  # noqa: S608


class Store(Database):
    """The catalogue's tables, read only."""

    async def shows(self, lang: str, show: str | None = None) -> list[dict[str, Any]]:
        """Return all shows, or the one asked for, in API form."""
        return [
            {
                "id": r["id"],
                "homeRegion": r["home_region"],
                "firstStart": r["first_start"].isoformat(),
                "durationSeconds": r["duration_seconds"],
                "periodSeconds": r["period_seconds"],
                "title": r["title"],
                "host": r["host"],
                "summary": r["summary"],
            }
            for r in await self.fetch(_SHOWS, lang, show)
        ]

    async def products(self, lang: str, currency: str, show: str | None = None) -> list[dict[str, Any]]:
        """Return products with their variants and the prices of one currency, in API form."""
        found: dict[str, dict[str, Any]] = {}
        for r in await self.fetch(_PRODUCTS, lang, currency, show):
            product = found.setdefault(
                r["id"],
                {
                    "id": r["id"],
                    "show": r["show_id"],
                    "art": r["art"],
                    "name": r["name"],
                    "summary": r["summary"],
                    "variants": [],
                },
            )
            price = {"currency": r["currency"], "minor": r["minor"], "listMinor": r["list_minor"]}
            product["variants"].append({"sku": r["sku"], "label": r["label"], "price": price})
        return list(found.values())
