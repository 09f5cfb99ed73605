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


PAGES = {"home": "/", "show": "/shows/table", "later": "/shows/later", "orders": "/orders", "sign-in": "/sign-in",
         "missing": "/shows/none", "sell": "/sell", "studio": "/sell/table"}  # fmt: skip


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
            page.locator("#linen-apron button.buy").click()
            found += barriers(page, "sheet")
            page.screenshot(path=SHOTS / f"web-sheet-{shot[9:]}")
        page.context.close()
    assert not found, "\n".join(found)
