"""Every page in both languages, both colour schemes and on both sizes: judged by axe-core, and kept as pictures."""

from __future__ import annotations

import time

import pytest
from apps.web.tests.conftest import DESKTOP, PHONE, SHOTS, Loopback, Open
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect


def barriers(page: Page, name: str) -> list[str]:
    result = Axe().run(page)
    return [f"{name}: {result.generate_report()}"] if result.violations_count else []


STATES = ("paying", "paid", "declined", "cancelled", "refunded")
PAGES = {"home": "/", "show": "/shows/table", "later": "/shows/later", "orders": "/orders", "sign-in": "/sign-in",
         "missing": "/shows/none", "callback": "/auth/callback", "sell": "/sell", "studio": "/sell/table"}  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("ko-KR", "light", PHONE), ("ko-KR", "dark", DESKTOP), ("en-US", "light", DESKTOP), ("en-US", "dark", PHONE)],
    ids=["ko-light-phone", "ko-dark-desktop", "en-light-desktop", "en-dark-phone"],
)
def test_every_page_is_accessible_and_fits(
    opened: Open, loopback: Loopback, locale: str, scheme: str, size: tuple[int, int]
) -> None:
    behind, found, korean = loopback.behind, list[str](), locale == "ko-KR"
    behind.open_sale("s1", "TEA-40", 3)
    behind.open_sale("s2", "APRON-OAT", 40)
    behind.open_sale("s3", "APRON-INK", 0)
    behind.cue("pin", time.time() - 60, product="first-tea")
    asked = ("우전은 몇 도에 우려야 하나요?", "70도에서 1분이요.") if korean else ("How hot?", "70 °C, a minute.")
    loopback.run(behind.say("한서윤", asked[0]))
    loopback.run(behind.say("이도현", asked[1], role="seller"))
    for name, path in PAGES.items():
        page = opened(path, locale=locale, size=size, scheme=scheme, seller=path.startswith("/sell"))
        if name in {"show", "studio"}:
            expect(page.locator("#messages li")).to_have_count(2)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{name} is {wide} px too wide"] if wide > 0 else []
        shot = f"web-{name}-{locale[:2]}-{scheme}-{'phone' if size == PHONE else 'desktop'}.png"
        page.screenshot(path=SHOTS / shot, full_page=name != "show")
        found += barriers(page, name)
        if name == "show":
            found += buying(page, shot)
        if name == "studio":
            page.locator("#first-tea summary").click()
            found += barriers(page, "sale form")
            page.locator("#who summary").click()
            found += barriers(page, "nickname form")
        page.context.close()
    assert not found, "\n".join(found)


def buying(page: Page, shot: str) -> list[str]:
    """Buy, and look at the sheet at each step, at the order in each of its states, and at the list of orders."""
    page.locator("#linen-apron button.buy").click()
    found = barriers(page, "sheet")
    page.screenshot(path=SHOTS / f"web-sheet-{shot[9:]}")
    page.locator("#choose .wide").click()
    expect(page.locator("#pay")).to_be_visible()
    found += barriers(page, "paying")
    page.locator("#pay .wide").click()
    expect(page.locator("#after")).to_be_visible()
    found += barriers(page, "paid")
    page.locator("#to-order").click()
    expect(page.locator("#page .key")).to_be_visible()
    page.locator(".ways a[href='/orders']").click()
    expect(page.locator(".orders li")).to_have_count(1)
    return found + barriers(page, "orders with one")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_order_is_accessible_in_every_state(opened: Open, loopback: Loopback, scheme: str) -> None:
    found, key = list[str](), "kr-" + "0" * 12 + "4" + "0" * 3 + "8" + "0" * 15
    for lang in ("ko", "en"):
        for state in STATES:
            page = opened("/", locale=lang, size=PHONE, scheme=scheme, seller=True)
            loopback.behind.orders[key] = {
                "order": key, "state": state, "show": "table", "amount": {"minor": 39000, "currency": "KRW"},
                "sku": "TEA-40", "quantity": 1, "createdAt": "2026-11-23T12:00:00Z", "viewer": "5" * 32,
                "becomes": state, "at": time.time() + 1e6,
            }  # fmt: skip
            page.goto(f"{loopback.address}/orders/{key}")
            expect(page.locator("#page")).to_have_attribute("data-state", state)
            found += barriers(page, f"order {state}, {lang}")
            page.context.close()
    assert not found, "\n".join(found)
