"""The pages with the real services behind them: a seller runs a show, and viewers buy its last items."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apps.web.tests.conftest import PLAYER
from apps.web.tests.whole import SECRETS, Shop, region
from playwright.sync_api import Browser, BrowserContext, Page, expect
from structlog.testing import capture_logs

from onair_common.identity import COOKIE

SHOW = "/shows/seoul-table"


@pytest.fixture
def shop(
    postgres: dict[str, str],
    valkey_server: Callable[..., str],
    tmp_path: Path,
    region_env: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    player = tmp_path / "hls.js"
    player.write_text(PLAYER)
    server = {"host": postgres["PGHOST"], "port": int(postgres["PGPORT"]), "user": postgres["PGUSER"]}
    valkey = valkey_server()
    env = region_env["kr"] | {"VALKEY_URL": valkey, "QUEUE_URL": valkey}
    with region(env, server, player, monkeypatch) as running:
        yield running


def viewer(browser: Browser, shop: Shop, path: str, *, seller: bool = False) -> tuple[BrowserContext, Page]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    if seller:
        context.add_cookies([shop.session("seller", "Maya")])  # type: ignore[list-item]
    page = context.new_page()
    page.set_default_timeout(15000)
    page.goto(shop.address + path)
    return context, page


def test_a_show_from_its_pin_to_its_last_item(browser: Browser, shop: Shop) -> None:
    with capture_logs() as lines:
        run_a_show(browser, shop)
    whole, requests = json.dumps(lines, default=repr), [line for line in lines if line["event"] == "request"]
    for secret in (
        *SECRETS.values(),
        "two left?",
        "두 개 남았나요",
        "Maya",
        "Guest ",
        "tok-card",
        "tok-decline",
        COOKIE,
    ):
        assert secret not in whole, "a log line has a secret, or what somebody wrote or is called"
    assert any(line["viewer"] == "5" * 32 and line["route"] == "/api/order/sales" for line in requests)
    done = {line["what"] for line in lines if line.get("logger") == "access-record"}
    assert done >= {"chat.open", "chat.delete", "chat.mute", "show.pin", "sale.open", "hold.place", "order.place"}


def run_a_show(browser: Browser, shop: Shop) -> None:
    contexts, pages = zip(
        *[viewer(browser, shop, "/sell/seoul-table", seller=True), *(viewer(browser, shop, SHOW) for _ in range(2))],
        strict=True,
    )
    studio, one, other = pages
    expect(one.locator("#text")).to_be_enabled()
    one.locator("#text").fill("<b>two left?</b> 두 개 남았나요")
    one.locator("#text").press("Enter")
    for page in (studio, other):
        expect(page.locator("#messages .text")).to_have_text("<b>two left?</b> 두 개 남았나요")

    studio.locator("#first-tea [data-pin]").click()
    expect(studio.locator("#told")).to_have_text("The product is pinned.")
    expect(one.locator("#pin h2")).to_have_text("Hadong first-flush green tea")
    studio.locator("#first-tea summary").click()
    studio.locator("#first-tea [name=kr]").fill("2")
    studio.locator("#first-tea [name=us]").fill("0")
    studio.locator("#first-tea form button").click()
    expect(studio.locator("#told")).to_have_text("The sale is open.")
    expect(one.locator("#pin .stock")).to_have_text("2 left")

    buy(one, "Card that is declined")
    expect(one.locator("#told")).to_contain_text("The card was declined.")
    one.get_by_role("button", name="Hold it for me").click()
    one.get_by_label("Card that is accepted").check()
    one.locator("#pay .wide").click()
    expect(one.locator("#told")).to_have_text("Paid. Thank you.")
    one.get_by_role("link", name="See the order").click()
    expect(one.locator("h1")).to_have_text("Thank you. Your order is confirmed.")
    expect(one.locator("dd.amount")).to_have_text("₩39,000")

    # The last one: both have the sheet open, one is quicker.
    one.goto(shop.address + SHOW)
    for page in (one, other):
        page.locator("#first-tea button.buy").click()
    for page in (other, one):
        page.get_by_role("button", name="Hold it for me").click()
    expect(other.locator("#pay")).to_be_visible()
    expect(one.locator("#told")).to_have_text("It has just sold out. Nothing was charged.")
    other.get_by_label("Card whose bank answers late").check()
    other.locator("#pay .wide").click()
    expect(other.locator("#told")).to_have_text("Paid. Thank you.")

    expect(studio.locator("#f-orders")).to_have_text("2")
    expect(studio.locator("#f-revenue")).to_have_text("₩78,000")
    expect(studio.locator("#f-left")).to_have_text("0")
    expect(studio.locator("#f-messages")).to_have_text("1")
    studio.get_by_role("button", name="Delete:").click()
    expect(other.locator("#messages .gone")).to_have_text("Message deleted")
    other.keyboard.press("Escape")  # the sheet is in front of the chat
    other.locator("#text").fill("again")
    other.locator("#text").press("Enter")
    studio.get_by_role("button", name="Mute 10 min:").last.click()
    expect(studio.locator("#said")).to_have_text("Muted for 10 minutes.")
    other.locator("#text").fill("and again")
    other.locator("#text").press("Enter")
    expect(other.locator("#said")).to_have_text("The seller has muted you for a while.")
    other.locator("#text").fill("시발")
    other.locator("#text").press("Enter")
    expect(other.locator("#said")).to_have_text("It has a word that is not said here.")
    studio.locator("#first-tea [data-shut]").click()
    expect(studio.locator("#told")).to_have_text("The sale is closed.")
    for context in contexts:
        context.close()


def buy(page: Page, card: str) -> None:
    page.locator("#pin button.buy").click()
    page.get_by_role("button", name="Hold it for me").click()
    page.get_by_label(card).check()
    page.locator("#pay .wide").click()
    expect(page.locator("#told")).not_to_have_text("")
    time.sleep(0.1)
