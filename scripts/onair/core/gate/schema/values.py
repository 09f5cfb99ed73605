"""Reads values that manifests write as text: quantities, counts and percentages, cron schedules, addresses."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_BINARY = {name: Fraction(1024) ** power for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {name: Fraction(1000) ** power for power, name in enumerate(("", "k", "M", "G", "T", "P", "E"))}
_SUFFIXES = _BINARY | _DECIMAL | {"m": Fraction(1, 1000), "u": Fraction(1, 10**6), "n": Fraction(1, 10**9)}
_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d+))?")
_LARGEST_EXPONENT = 30

MACROS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_LONGEST = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1))


def quantity(value: object) -> Fraction | None:
    """Return a quantity as a number; None for what is none."""
    return _read(str(value)) if isinstance(value, (str, int, float)) else None


@lru_cache(maxsize=4096)
def _read(text: str) -> Fraction | None:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    number, suffix, exponent = found.groups()
    if exponent and abs(int(exponent)) > _LARGEST_EXPONENT:
        return None
    return Fraction(number) * (Fraction(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""])


def whole(value: object) -> int | None:
    """Return a whole number; None for anything else (true is no number)."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def network(value: object) -> tuple[Network | None, str]:
    """Return an address range, and what is wrong with it (empty if nothing is)."""
    try:
        return ip_network(str(value)), ""
    except ValueError as error:
        said = str(error)
    try:
        masked = ip_network(str(value), strict=False)
    except ValueError:
        return None, said
    return masked, f"{value} has bits beyond its prefix; the range is {masked}"


def schedule(text: str) -> str:
    """Return what is wrong with a cron schedule, as the CronJob controller reads it; empty if nothing is.

    source: https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format
    """
    if text.startswith("@"):
        return "" if text in MACROS or _every(text) else f"unknown word; known: {', '.join(sorted(MACROS))}, @every 1h"
    if text.startswith(("TZ=", "CRON_TZ=")):
        return "a time zone does not belong here; use spec.timeZone"
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"{len(parts)} fields, needed are 5: minute, hour, day of the month, month, day of the week"
    values: list[set[int]] = []
    for part, (name, low, high, words) in zip(parts, _FIELDS, strict=True):
        found = _field(part, low, high, words)
        if isinstance(found, str):
            return f"{name}: {found}"
        values.append(found)
    if parts[4] in {"*", "?"} and min(values[2]) > max(_LONGEST[month] for month in values[3]):
        return "such a day never comes"
    return ""


def _every(text: str) -> bool:
    return re.fullmatch(r"@every (\d+(\.\d+)?(s|m|h))+", text) is not None


def _field(text: str, low: int, high: int, words: tuple[str, ...]) -> set[int] | str:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span in {"*", "?"}:
            begin: int | None = low
            end: int | None = high
        else:
            begin = _number(first, low, words)
            end = _number(last, low, words) if dash else (high if step else begin)
        if begin is None or end is None or ("/" in part and (not step.isdecimal() or int(step) == 0)):
            return f"{part!r} cannot be read"
        if not low <= begin <= high or not low <= end <= high:
            return f"{part} is outside {low}-{high}"
        if begin > end:
            return f"{part} ends before it begins"
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def _number(text: str, low: int, words: tuple[str, ...]) -> int | None:
    if text.lower() in words:
        return words.index(text.lower()) + low
    return int(text) if text.isdecimal() else None
