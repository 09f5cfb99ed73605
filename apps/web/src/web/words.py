"""Languages, prices and times as people read them. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

WORDS: dict[str, dict[str, str]] = {
    "ko": {
        "name": "한국어",
        "tagline": "지금 방송 중인 물건",
        "on_air": "온에어",
        "now": "지금 방송 중",
        "next": "다음 방송",
        "daily": "매일",
        "watch": "방송 보기",
        "preview": "미리 보기",
        "host": "진행",
        "products": "이 방송의 상품",
        "options": "옵션",
        "was": "정가",
        "off": "할인",
        "starts": "방송 시작",
        "loading": "영상을 불러오는 중",
        "playing": "실시간",
        "waiting": "영상을 기다리는 중",
        "lost": "영상이 끊겨 다시 연결하는 중",
        "sound": "소리 켜기",
        "unsupported": "이 브라우저는 실시간 영상을 재생하지 못합니다.",
        "no_script": "영상을 보려면 자바스크립트를 켜 주세요.",
        "stale": "연결이 느려 조금 전에 확인한 내용을 보여 드립니다.",
        "home": "처음으로",
        "skip": "본문으로 건너뛰기",
        "language": "언어",
        "served": "응답한 곳",
        "region": "리전",
        "version": "버전",
        "pod": "파드",
        "404": "찾으시는 방송이 없습니다.",
        "503": "잠시 준비 중입니다. 곧 다시 열어 주세요.",
        "video_of": "실시간 영상",
        "none": "예정된 방송이 없습니다.",
    },
    "en": {
        "name": "English",
        "tagline": "Things, shown live",
        "on_air": "On air",
        "now": "On air now",
        "next": "Coming up",
        "daily": "Daily",
        "watch": "Watch the show",
        "preview": "Look ahead",
        "host": "Hosted by",
        "products": "In this show",
        "options": "Options",
        "was": "List price",
        "off": "off",
        "starts": "Starts",
        "loading": "Loading the video",
        "playing": "Live",
        "waiting": "Waiting for the video",
        "lost": "The video was lost; reconnecting",
        "sound": "Turn sound on",
        "unsupported": "This browser cannot play live video.",
        "no_script": "Turn on JavaScript to watch the video.",
        "stale": "The connection is slow: this is what we knew a moment ago.",
        "home": "Home",
        "skip": "Skip to content",
        "language": "Language",
        "served": "Served by",
        "region": "region",
        "version": "version",
        "pod": "pod",
        "404": "There is no such show.",
        "503": "We are getting ready. Please try again in a moment.",
        "video_of": "Live video",
        "none": "No show is planned.",
    },
}

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
        if wish in WORDS:
            return wish
    ranked = []
    for position, part in enumerate(accept.split(",")[:16]):
        match = re.fullmatch(r"\s*([A-Za-z]{1,8})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", part)
        if match and match[1].lower() in WORDS and (quality := float(match[2] or 1)) > 0:
            ranked.append((-quality, position, match[1].lower()))
    return min(ranked)[2] if ranked else region if region in WORDS else "en"


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
