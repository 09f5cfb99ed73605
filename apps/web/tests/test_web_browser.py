"""The pages in headless Chromium on loopback: watch, chat, cue, buy, decline, last item; sell; look at all."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest
from apps.web.tests.conftest import DESKTOP, PHONE, SHOTS, VIDEO_DELAY, Loopback, Open
from playwright.sync_api import Page, expect


def hold(page: Page, product: str) -> None:
    page.locator(f"#{product} button.buy").click()
    page.get_by_role("button", name="Hold it for me").click()


def pay(page: Page, card: str) -> None:
    page.get_by_label(card).check()
    page.locator("#pay .wide").click()


def test_chat_shows_what_is_said_as_text_and_comes_back_without_a_gap(opened: Open, loopback: Loopback) -> None:
    page, other = opened("/shows/table", locale="en-US"), opened("/shows/table", locale="en-US")
    page.locator("#text").fill("<img src=x onerror=alert(1)> 안녕 👋")
    page.locator("#text").press("Enter")
    expect(other.locator("#messages .text")).to_have_text("<img src=x onerror=alert(1)> 안녕 👋")
    assert other.locator("#messages img").count() == 0
    expect(page.locator("#watching")).to_have_text("128 watching")

    page.locator("#text").fill("banned words")
    page.locator("#text").press("Enter")
    expect(page.locator("#said")).to_have_text("It has a word that is not said here.")
    expect(page.locator("#text")).to_have_value("banned words")

    loopback.run(loopback.behind.tell({"type": "drain"}))
    time.sleep(0.1)
    loopback.run(loopback.behind.say("Lee", "while you were away"))
    expect(other.locator("#messages .text").last).to_have_text("while you were away")
    assert other.locator("#messages li").count() == 2, "a message came twice"
    assert loopback.behind.seen_after[-1] == "kr:1", "asked for all that came after the last"


def test_what_is_said_on_a_lost_socket_is_said_again_on_another(opened: Open, loopback: Loopback) -> None:
    page = opened("/shows/table", locale="en-US")
    expect(page.locator("#text")).to_be_enabled()
    loopback.behind.deaf.update(loopback.behind.sockets)
    page.locator("#text").fill("does anybody hear me?")
    page.locator("#text").press("Enter")
    expect(page.locator("#messages .text")).to_have_text("does anybody hear me?", timeout=15_000)
    expect(page.locator("#line")).to_have_text("")
    assert len(loopback.behind.messages) == 1


def test_what_a_room_without_memory_did_not_take_is_said_again(opened: Open, loopback: Loopback) -> None:
    page = opened("/shows/table", locale="en-US")
    expect(page.locator("#text")).to_be_enabled()
    loopback.behind.forgetful = 2
    page.locator("#text").fill("remember this")
    page.locator("#text").press("Enter")
    expect(page.locator("#messages .text")).to_have_text("remember this", timeout=10_000)
    assert loopback.behind.forgetful == 0
    expect(page.locator("#text")).to_have_value("")


def test_nickname_is_changed_in_place_and_escaped(opened: Open) -> None:
    page = opened("/shows/table", locale="en-US")
    expect(page.locator("#text")).to_be_enabled()
    page.locator("#who summary").click()
    page.get_by_label("Nickname").fill("<b>Kim</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#me")).to_have_text("<b>Kim</b>")
    expect(page.locator("#text")).to_be_enabled()
    page.locator("#text").fill("hello")
    page.locator("#text").press("Enter")
    expect(page.locator("#messages b")).to_have_text("<b>Kim</b>")
    page.locator("#who summary").click()
    page.get_by_label("Nickname").fill("\u202eevil")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_have_text("A nickname has 1 to 24 characters and no hidden ones.")


def test_a_cue_shows_when_the_picture_gets_there(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 12)
    page = opened("/shows/table")
    expect(page.locator("#first-tea button.buy")).to_be_visible()
    expect(page.locator("#pin")).to_be_hidden()
    stamped = time.time()
    loopback.behind.cue("pin", stamped, product="first-tea")
    expect(page.locator("#pin h2")).to_have_text("하동 우전 녹차")
    assert VIDEO_DELAY - 0.1 <= time.time() - stamped < VIDEO_DELAY + 5, "shown by the clock, not by the picture"
    expect(page.locator("#pin .stock")).to_have_text("12개 남음")
    expect(page.locator("#pin .ends")).to_have_text(re.compile(r"^(10:00|9:\d\d) 뒤 마감$"))
    loopback.behind.cue("sale-close", time.time() - VIDEO_DELAY, sale="s1")
    expect(page.locator("#pin button.buy")).to_be_hidden()
    loopback.behind.cue("unpin", time.time() - VIDEO_DELAY)
    expect(page.locator("#pin")).to_be_hidden()


@pytest.mark.parametrize(
    ("zone", "locale", "shown"),
    [("Asia/Seoul", "ko-KR", "1월 2일 09:30"), ("America/New_York", "en-US", "January 1 at 19:30")],
)
def test_times_are_in_the_viewers_own_zone(
    opened: Open, loopback: Loopback, monkeypatch: pytest.MonkeyPatch, zone: str, locale: str, shown: str
) -> None:
    entry = loopback.behind._entry
    monkeypatch.setattr(loopback.behind, "_entry", lambda *a: entry(*a) | {"startsAt": "2030-01-02T00:30:00Z"})
    page = opened("/", locale=locale, zone=zone)
    expect(page.locator(".coming time").first).to_have_text(shown)


def test_buy_and_see_the_order(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 12)
    page = opened("/shows/table", locale="en-US", size=PHONE)
    page.locator("#first-tea button.buy").click()
    page.get_by_role("button", name="One more").click()
    expect(page.locator("#sum")).to_have_text("₩78,000")
    page.screenshot(path=SHOTS / "web-sheet-phone.png")
    page.get_by_role("button", name="Hold it for me").click()
    expect(page.locator("#held")).to_have_text(re.compile(r"^[12]:\d\d$"))
    page.screenshot(path=SHOTS / "web-pay-phone.png")
    pay(page, "Card that is accepted")
    expect(page.locator("#told")).to_have_text("Paid. Thank you.")
    assert loopback.behind.wanted == [{"sale": "s1", "sku": "TEA-40", "quantity": 2}]
    page.get_by_role("link", name="See the order").click()
    expect(page.locator("h1")).to_have_text("Thank you. Your order is confirmed.")
    expect(page.locator("dd.amount")).to_have_text("₩78,000")
    page.screenshot(path=SHOTS / "web-order-phone.png")
    page.get_by_role("link", name="My orders").first.click()
    expect(page.locator(".orders li")).to_have_count(1)
    stranger = opened(page.locator(".orders a").get_attribute("href") or "", locale="en-US")
    expect(stranger.locator("h1")).to_have_text("There is no such page.")


def test_a_declined_card_can_be_followed_by_another(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 1)
    page = opened("/shows/table", locale="en-US")
    hold(page, "first-tea")
    pay(page, "Card that is declined")
    expect(page.locator("#told")).to_contain_text("The card was declined. Nothing was charged.")
    page.get_by_role("button", name="Hold it for me").click()
    pay(page, "Card that is accepted")
    expect(page.locator("#told")).to_have_text("Paid. Thank you.")
    assert [o["state"] for o in loopback.behind.orders.values()] == ["declined", "paid"]


def test_the_last_item_goes_to_one_and_the_other_hears_it_plainly(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 1)
    one, other = (opened("/shows/table", locale="en-US", size=DESKTOP) for _ in range(2))
    for page in (one, other):
        page.locator("#first-tea button.buy").click()
    for page in (one, other):
        page.get_by_role("button", name="Hold it for me").click()
    expect(one.locator("#pay")).to_be_visible()
    expect(other.locator("#told")).to_have_text("It has just sold out. Nothing was charged.")
    other.screenshot(path=SHOTS / "web-sold-out-desktop.png")


def test_a_hold_that_runs_out_says_so(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 1)
    loopback.behind.hold_seconds = 1.5
    page = opened("/shows/table", locale="en-US")
    hold(page, "first-tea")
    expect(page.locator("#told")).to_contain_text("The time ran out and the item went back.")
    expect(page.locator("#choose")).to_be_visible()


def test_buying_by_keyboard_alone(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 3)
    page = opened("/shows/table", locale="en-US")
    page.locator("#first-tea button.buy").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sheet")).to_be_visible()
    for _ in range(12):  # round the sheet: the page behind it is out of reach
        page.keyboard.press("Tab")
        assert page.evaluate("(at => at === document.body || at.closest('#sheet') !== null)(document.activeElement)")

    page.locator("#quantity").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pay input:checked")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_have_text("Paid. Thank you.")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    assert page.evaluate("document.activeElement.className") == "buy"


def test_a_seller_runs_the_show(opened: Open, loopback: Loopback) -> None:
    loopback.behind.planned = "scheduled"
    page = opened("/sell/table", locale="en-US", seller=True)
    page.get_by_role("button", name="Start the show").click()
    expect(page.get_by_role("button", name="End the show")).to_be_visible()
    expect(page.locator("#player")).to_be_visible()
    page.locator("#first-tea [data-pin]").click()
    expect(page.locator("#told")).to_have_text("The product is pinned.")
    expect(page.locator("#first-tea [data-pin]")).to_have_text("Unpin")
    shown = datetime.fromisoformat(loopback.behind.cues[0]["at"]).timestamp()
    assert VIDEO_DELAY - 0.5 < time.time() - shown < VIDEO_DELAY + 5, "stamped with the picture that the seller saw"
    page.locator("#first-tea summary").click()
    page.locator("#first-tea [name=kr]").fill("7")
    page.locator("#first-tea form button").click()
    expect(page.locator("#f-left")).to_have_text("7")
    expect(page.locator("#f-viewers")).to_have_text("128")
    assert [c["kind"] for c in loopback.behind.cues] == ["pin", "sale-open"]
    loopback.run(loopback.behind.say("Rude", "go away"))
    page.get_by_role("button", name="Delete: Rude").click()
    expect(page.locator("#messages .gone")).to_have_text("Message deleted")
    page.screenshot(path=SHOTS / "web-studio-desktop.png", full_page=True)
    page.locator("#first-tea [data-shut]").click()
    expect(page.locator("#told")).to_have_text("The sale is closed.")
    page.get_by_role("button", name="End the show").click()
    expect(page.locator("#told")).to_have_text("Press again to end the show")
    page.get_by_role("button", name="End the show").click()
    expect(page.locator("#told")).to_have_text("The show has ended.")
    assert loopback.behind.state == "ended"


@pytest.mark.parametrize(("away", "said"), [
    ("order", "지금은 주문을 받을 수 없습니다"),
    ("live", "편성표를 잠시 확인할 수 없습니다"),
])  # fmt: skip
def test_what_is_away_is_said_and_the_rest_works(opened: Open, loopback: Loopback, away: str, said: str) -> None:
    loopback.behind.away = {away}
    page = opened("/shows/table")
    expect(page.locator(".notice")).to_contain_text(said)
    page.locator("#text").fill("아직 있어요")
    page.locator("#text").press("Enter")
    expect(page.locator("#messages .text")).to_have_text("아직 있어요")


def test_chat_away_is_said_and_buying_works(opened: Open, loopback: Loopback) -> None:
    loopback.behind.away = {"chat"}
    loopback.behind.open_sale("s1", "TEA-40", 3)
    page = opened("/shows/table", locale="en-US")
    expect(page.locator("#line")).to_contain_text("The chat")
    hold(page, "first-tea")
    pay(page, "Card that is accepted")
    expect(page.locator("#told")).to_have_text("Paid. Thank you.")


def test_orders_that_break_off_are_said_plainly(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 3)
    page = opened("/shows/table", locale="en-US")
    expect(page.locator("#first-tea button.buy")).to_be_visible()
    loopback.behind.away = {"order"}
    hold(page, "first-tea")
    expect(page.locator("#told")).to_contain_text("Orders cannot be taken right now.", timeout=15000)


def test_without_script_programme_products_and_orders_are_there(opened: Open, loopback: Loopback) -> None:
    loopback.behind.open_sale("s1", "TEA-40", 3)
    loopback.behind.cue("pin", time.time() - 60, product="first-tea")
    page = opened("/shows/table", locale="en-US", script=False)
    expect(page.locator("#pin h2")).to_have_text("First-flush green tea")
    expect(page.locator("#first-tea .stock")).to_have_text("3 left")
    expect(page.locator(".about .notice")).to_contain_text("Chat and buying need JavaScript")
    page.locator("#who summary").click()
    page.get_by_label("Nickname").fill("Plain")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#me")).to_have_text("Plain")
    page.get_by_role("link", name="My orders").click()
    expect(page.locator(".empty")).to_have_text("You have no orders yet.")
