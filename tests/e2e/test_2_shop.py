"""A show with a seller and a viewer in each region: one chat, one pinned product, one limited stock."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from e2e.browser import Viewer, viewer
from e2e.shop import Shop
from playwright.sync_api import Browser, Page, expect

SHOW, PRODUCT = "seoul-table", "first-tea"
PRICES = {"kr": "₩39,000", "us": "$29.00"}
SECONDS = 1000.0
CUE_MS = 20 * SECONDS
"""A cue waits for its picture, and the players are some seconds behind; two busy processors come on top."""
SKEW_SECONDS, CUES = 1.0, 4
"""How far apart the pictures of two browsers may be when a cue shows, and how many cues are tried: a busy machine may
hold a page's script up, and never hurries it."""


def sign_in(shop: Shop, page: Page, address: str) -> None:
    """Sign the sample seller in, as a person does, at the region's issuer."""
    secret = shop.read(shop.clusters[0], "/api/v1/namespaces/shop/secrets/seller-account")
    page.goto(f"{address}/sell/{SHOW}")
    if page.locator("#login").count() == 0:
        page.locator("main a, main button").first.click()
    page.locator("#login").fill("seller@onair.test")
    page.locator("#password").fill(b64decode(secret["data"]["password"]).decode())
    page.locator("#submit-login").click()
    page.wait_for_url(re.compile(r"/sell"))
    page.goto(f"{address}/sell/{SHOW}")


def say(page: Page, text: str) -> None:
    """Write a message and see it come back."""
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")
    expect(page.locator("#messages .text", has_text=text)).to_be_visible()


def cue(seller: Viewer, done: str) -> None:
    """Pin the product, or take it down again."""
    seller.page.locator(f"#{PRODUCT} [data-pin]").click()
    expect(seller.page.locator("#told")).to_have_text(f"The product is {done}.")


def pinned(shop: Shop, seller: Viewer, viewers: dict[str, Viewer]) -> float:
    """Pin the product; returns by how many seconds of the programme the regions' browsers differ when it shows."""
    cue(seller, "pinned")
    for seen in viewers.values():
        expect(seen.page.locator("#pin h2")).to_be_visible()
    pins = {region: seen.last_pin() for region, seen in viewers.items()}
    assert {pin.product for pin in pins.values()} == {PRODUCT}
    cues = shop.fetch(f"/api/live/shows/{SHOW}", shop.clusters[0]).json()["cues"]
    at = datetime.fromisoformat([one["at"] for one in cues if one["kind"] == "pin"][-1]).timestamp()
    late = {region: pin.picture - at for region, pin in pins.items()}
    assert min(late.values()) >= -0.01, f"shown before the picture of its cue: {late}"
    found = max(late.values()) - min(late.values())
    told = ", ".join(
        f"{region} {late[region]:.2f} s after its picture, {pin.clock - pin.picture:.1f} s behind the clock"
        for region, pin in pins.items()
    )
    shop.say(f"cue skew {found:.2f} s of the programme between the regions' browsers: {told}")
    return found


def hold(page: Page) -> None:
    """Take one piece for a while."""
    page.locator(f"#{PRODUCT} button.buy").click()
    page.get_by_role("button", name="Hold it for me").click()


def pay(page: Page, card: str) -> None:
    """Pay what is held."""
    page.get_by_label(card).check()
    page.locator("#pay .wide").click()


def test_watch_chat_and_buy_the_last_piece_across_regions(shop: Shop, browser: Browser, root: Path) -> None:
    kr, us = (shop.address(cluster) for cluster in shop.clusters)
    with (
        viewer(browser, root, "en-US") as seller,
        viewer(browser, root, "en-US") as one,
        viewer(browser, root, "en-US") as other,
    ):
        viewers: dict[str, Viewer] = {"kr": one, "us": other}
        for seen in (seller, one, other):
            seen.page.set_default_timeout(CUE_MS)
        expect.set_options(timeout=CUE_MS)
        one.open(f"{kr}/shows/{SHOW}")
        other.open(f"{us}/shows/{SHOW}")
        for seen in viewers.values():
            seen.play(2)

        here, there = f"hello from Seoul {token_hex(3)}", f"hello from Seattle {token_hex(3)}"
        say(one.page, here)
        expect(other.page.locator("#messages .text", has_text=here)).to_be_visible()
        say(other.page, there)
        expect(one.page.locator("#messages .text", has_text=there)).to_be_visible()

        sign_in(shop, seller.page, kr)
        for seen in viewers.values():
            seen.watch_pins()
        skews = [pinned(shop, seller, viewers)]
        while min(skews) > SKEW_SECONDS and len(skews) < CUES:
            cue(seller, "unpinned")
            for seen in viewers.values():
                expect(seen.page.locator("#pin")).to_be_hidden()
            skews.append(pinned(shop, seller, viewers))
        assert min(skews) <= SKEW_SECONDS, f"seconds between the browsers at each cue: {skews}"
        seller.page.locator(f"#{PRODUCT} summary").click()
        for region in viewers:
            seller.page.locator(f"#{PRODUCT} [name={region}]").fill("1")
        seller.page.locator(f"#{PRODUCT} form button").click()
        for region, seen in viewers.items():
            expect(seen.page.locator("#pin .stock")).to_be_visible()
            expect(seen.page.locator(f"#{PRODUCT} .price strong")).to_have_text(PRICES[region])
            seen.shoot(f"pinned-{region}")

        hold(one.page)
        pay(one.page, "Card that is declined")
        expect(one.page.locator("#told")).to_contain_text("The card was declined. Nothing was charged.")
        for seen in viewers.values():  # each takes the region's last piece
            if seen is one:
                seen.page.get_by_role("button", name="Hold it for me").click()
            else:
                hold(seen.page)
            pay(seen.page, "Card that is accepted")
            expect(seen.page.locator("#told")).to_have_text("Paid. Thank you.")
        one.shoot("paid-kr")
        seller.shoot("console", full=True)
        for seen in viewers.values():
            seen.page.get_by_role("link", name="See the order").click()
            expect(seen.page.locator("h1")).to_have_text("Thank you. Your order is confirmed.")
        for seen in (seller, one, other):
            assert not [e for e in seen.errors if "script:" in e], seen.errors
        seller.page.locator(f"#{PRODUCT} [data-shut]").click()
        seller.page.locator(f"#{PRODUCT} [data-pin]").click()
