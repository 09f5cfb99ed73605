from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.texts import WORDS
from web.words import choose, clock, discount, price


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["ko"].keys() == WORDS["en"].keys()


@pytest.mark.parametrize(
    ("asked", "remembered", "accept", "region", "chosen"),
    [
        ("en", "ko", "ko", "ko", "en"),
        ("xx", "ko", "en", "en", "ko"),
        (None, None, "en-US,en;q=0.9", "ko", "en"),
        (None, None, "fr, ko;q=0.4, en;q=0.5", "ko", "en"),
        (None, None, "en;q=0, fr", "ko", "ko"),
        (None, None, "*", "ko", "ko"),
        (None, None, "", "de", "en"),
    ],
)
def test_language(asked: str | None, remembered: str | None, accept: str, region: str, chosen: str) -> None:
    assert choose(asked, remembered, accept, region) == chosen


@given(st.text(max_size=200))
def test_any_accept_language_gives_a_language(accept: str) -> None:
    assert choose(None, None, accept, "ko") in WORDS


@pytest.mark.parametrize(
    ("minor", "currency", "lang", "shown"),
    [
        (39000, "KRW", "ko", "39,000원"),
        (39000, "KRW", "en", "₩39,000"),
        (2900, "USD", "en", "$29.00"),
        (123456705, "USD", "ko", "$1,234,567.05"),
        (0, "KRW", "ko", "0원"),
        (1999, "EUR", "en", "EUR 19.99"),
    ],
)
def test_prices(minor: int, currency: str, lang: str, shown: str) -> None:
    assert price(minor, currency, lang) == shown


@given(st.integers(0, 10**12))
def test_no_digit_of_a_price_is_lost(minor: int) -> None:
    assert int(re.sub(r"\D", "", price(minor, "USD", "en"))) == minor


def test_discount_is_rounded_down() -> None:
    assert (discount(148000, 168000), discount(1, None)) == (11, 0)


def test_times_are_the_regions() -> None:
    assert clock("2026-11-23T12:00:00+00:00", "Asia/Seoul", "ko") == "11월 23일 21:00"
    assert clock("2026-11-23T12:00:00+00:00", "America/Los_Angeles", "en") == "Nov 23, 04:00"
