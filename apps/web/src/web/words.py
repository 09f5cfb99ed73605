"""Languages, prices and times as people read them. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from onair_common.languages import LANGUAGES, preferred

# Digits after the decimal point by ISO 4217, and how each language writes an amount.
_EXPONENT = {"KRW": 0, "USD": 2}
_FORM = {("KRW", "ko"): "{}원", ("KRW", "en"): "₩{}", ("USD", "ko"): "${}", ("USD", "en"): "${}"}


def choose(asked: str | None, remembered: str | None, accept: str, region: str) -> str:
    """Return the language of a page.

    Parameters
    ----------
    asked : str or None
        What the address asks for; wins when it is known.
    remembered : str or None
        What the viewer asked for last.
    accept : str
        The Accept-Language header (RFC 9110 12.5.4).
    region : str
        The region's language: the fallback.
    """
    for wish in (asked, remembered):
        if wish in LANGUAGES:
            return str(wish)
    return preferred(accept, region)


def price(minor: int, currency: str, lang: str) -> str:
    """Return an amount of whole minor units as a price, e.g. ``39,000원`` or ``$29.00``."""
    digits = _EXPONENT.get(currency, 2)
    amount = f"{minor // 10**digits:,}" + (f".{minor % 10**digits:0{digits}d}" if digits else "")
    return _FORM.get((currency, lang), currency + " {}").format(amount)


def discount(minor: int, list_minor: int | None) -> int:
    """Return the discount in whole per cent, rounded down; 0 when there is none."""
    return (list_minor - minor) * 100 // list_minor if list_minor else 0


def clock(instant: str, timezone: str, lang: str) -> str:
    """Return an ISO 8601 instant as the region's day and time, e.g. ``11월 24일 21:00``."""
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(timezone))
    if lang == "ko":
        return f"{local.month}월 {local.day}일 {local:%H:%M}"
    return f"{local:%b} {local.day}, {local:%H:%M}"
