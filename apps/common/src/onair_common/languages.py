"""Which of the shop's languages somebody reads. Pure."""

from __future__ import annotations

import re

LANGUAGES = ("ko", "en")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")
_MOST = 16
"""Ranges of a header that are looked at."""


def preferred(accept: str, region: str) -> str:
    """Return ``ko`` or ``en``.

    Parameters
    ----------
    accept : str
        The Accept-Language header (RFC 9110 12.5.4).
    region : str
        The region's language: the fallback.
    """
    ranked = []
    for position, part in enumerate(accept.split(",")[:_MOST]):
        match = _RANGE.fullmatch(part)
        if match and match[1].lower() in LANGUAGES and (quality := float(match[2] or 1)) > 0:
            ranked.append((-quality, position, match[1].lower()))
    if ranked:
        return min(ranked)[2]
    return region if region in LANGUAGES else "en"
