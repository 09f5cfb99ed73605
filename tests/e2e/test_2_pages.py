"""The shop in headless Chromium, through every address of the edge; the screenshots are kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from e2e.browser import PHONE, Viewer, viewer
from e2e.shop import Shop
from playwright.sync_api import Browser

REGIONS = [
    pytest.param("local-kr", "ko-KR", "seoul-table", r"^[\d,]+원$", id="kr"),
    pytest.param("local-us", "en-US", "cascade-outdoors", r"^\$\d+\.\d\d$", id="us"),
]
CHANNELS = {"seoul-table": "kr", "cascade-outdoors": "us"}


def whole(seen: Viewer) -> None:
    """Check that the page ran without an error and asked nobody but the edge."""
    assert not seen.errors, seen.errors
    assert seen.hosts <= {"localhost", "blob"}, f"the page asked {seen.hosts}"


@pytest.mark.parametrize(("cluster", "locale", "show", "price"), REGIONS)
def test_home_and_show_with_video(
    shop: Shop, browser: Browser, root: Path, cluster: str, locale: str, show: str, price: str
) -> None:
    region, address = shop.region(cluster), shop.address(cluster)
    with viewer(browser, root, locale) as seen:
        assert seen.open(f"{address}/") == 200
        assert seen.page.locator("html").get_attribute("lang") == locale[:2]
        assert seen.text("#region").strip() == region
        assert seen.text("#version").strip() == shop.fetch(cluster=cluster).headers["x-onair-version"]
        assert seen.text("#pod").startswith("web-")
        shown = {x.get_attribute("href") for x in seen.page.locator(".stage a").all()}
        assert shown >= {f"/shows/{name}" for name in CHANNELS}, "at nine in Seoul a third one is on air"
        seen.shoot(f"home-{region}")
        seen.page.locator(f".stage a[href='/shows/{show}']").click()
        seen.page.wait_for_selector("#video")
        took = seen.play(5)
        assert seen.page.locator("#player").get_attribute("data-state") == "playing"
        prices = [x.inner_text().strip() for x in seen.page.locator(".price strong").all()]
        assert len(prices) >= 3
        assert all(re.fullmatch(price, x) for x in prices), prices
        seen.shoot(f"show-{region}", full=True)
        whole(seen)
        shop.say(f"{region}: 5 s of the region's own channel played in {took:.1f} s")


@pytest.mark.parametrize(("cluster", "show"), [("local-kr", "cascade-outdoors"), ("local-us", "seoul-table")])
def test_the_other_regions_channel_is_relayed(
    shop: Shop, browser: Browser, root: Path, cluster: str, show: str
) -> None:
    playlist = shop.fetch(f"/video/{CHANNELS[show]}/index.m3u8", cluster)
    assert playlist.headers["x-onair-video"] == "relay"
    assert "#EXT-X-PROGRAM-DATE-TIME" in playlist.text
    with viewer(browser, root, "en-US") as seen:
        seen.open(f"{shop.address(cluster)}/shows/{show}")
        took = seen.play(5)
        seen.shoot(f"relayed-{CHANNELS[show]}-in-{shop.region(cluster)}")
        whole(seen)
    shop.say(f"{cluster}: 5 s of the other region's channel played in {took:.1f} s")


@pytest.mark.parametrize(("cluster", "locale", "show", "price"), REGIONS)
def test_a_phone_needs_no_sideways_scrolling(
    shop: Shop, browser: Browser, root: Path, cluster: str, locale: str, show: str, price: str
) -> None:
    with viewer(browser, root, locale, PHONE) as seen:
        for name, path in (("home", "/"), ("show", f"/shows/{show}")):
            seen.open(shop.address(cluster) + path)
            if name == "show":
                seen.play(2)
            seen.shoot(f"phone-{name}-{shop.region(cluster)}", full=True)
            assert seen.overflow() <= 0, f"{name} is {seen.overflow()} px wider than the phone"
        whole(seen)


def test_platform_address_sends_viewers_to_their_region(shop: Shop, browser: Browser, root: Path) -> None:
    address = shop.address()
    for geo in ("kr", "us"):
        with viewer(browser, root, "en-US", geo=(address, geo)) as seen:
            seen.open(f"{address}/")
            assert seen.text("#region").strip() == geo, f"the cookie geo={geo} did not count"
        assert shop.fetch(x_onair_geo=geo).headers["x-onair-region"] == geo, f"x-onair-geo: {geo} did not count"
    with viewer(browser, root, "en-US") as seen:
        seen.open(f"{address}/")
        assert seen.text("#region").strip() == "kr", "a viewer of unknown geography goes to the first region"


def test_language_is_the_viewers_choice_and_is_remembered(shop: Shop, browser: Browser, root: Path) -> None:
    with viewer(browser, root, "ko-KR") as seen:
        seen.open(f"{shop.address('local-kr')}/shows/seoul-table")
        korean = seen.text("h1")
        seen.page.get_by_role("link", name="English").click()
        seen.page.wait_for_selector("html[lang=en]")
        assert seen.text("h1") != korean
        assert seen.text(".price strong").startswith("₩"), "the currency is the region's, whatever the language"
        seen.open(f"{shop.address('local-kr')}/")
        assert seen.page.locator("html").get_attribute("lang") == "en", "the choice was forgotten"
        whole(seen)
