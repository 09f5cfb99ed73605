"""Headless Chromium as a viewer: pages of the shop, a watched video, screenshots."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, Playwright

from onair.adapters.local.screens import CHROMIUM, QUIET, pin

DESKTOP, PHONE = (1280, 800), (390, 844)
PLAYING_SECONDS = 45.0
WATCH = """() => {
  const video = document.getElementById("video");
  window.onair ??= { played: 0, stall: 0, position: video.currentTime, moved: 0, timer: setInterval(() => {
    const now = performance.now() / 1000, step = video.currentTime - window.onair.position;
    if (step > 0) Object.assign(onair, { played: onair.played + Math.min(step, 0.5), moved: now });
    if (onair.moved) onair.stall = Math.max(onair.stall, now - onair.moved);
    onair.position = video.currentTime;
  }, 100) };
  const frames = video.getVideoPlaybackQuality().totalVideoFrames;
  return [onair.played, frames, onair.stall];
}"""
"""Adds up what was played, ten times a second: a jump to the live edge is no playing."""
KEEP_PLAYER = """(() => {
  let made;
  Object.defineProperty(window, "Hls", { get: () => made, set: (Hls) => {
    made = class extends Hls { constructor(...given) { super(...given); window.onairPlayer = this; } };
  } });
})()"""
"""Lets tests ask the page's player, which its script keeps to itself."""
WATCH_PINS = """() => {
  const box = document.getElementById("pin");
  window.onairPins = [];
  new MutationObserver(() => {
    const product = box.dataset.product, at = window.onairPlayer?.playingDate?.getTime();
    if (product) window.onairPins.push([product, at ?? null, Date.now()]);
  }).observe(box, { attributes: true, attributeFilter: ["data-product"] });
}"""
"""Writes down what is pinned from now on, the instant of the picture then, and the clock's, in Unix milliseconds."""


class Pin(NamedTuple):
    """A product that a page showed as pinned: the instant of its picture then, and the clock's (Unix time, seconds)."""

    product: str
    picture: float
    clock: float


def launch(playwright: Playwright, certificate: Path) -> Browser:
    """Start Chromium; of certificates that the machine does not trust it takes this one only, by its key."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, pin(certificate)])


class Viewer:
    """One page in a context of its own; remembers what went wrong in it and where it sent requests."""

    def __init__(self, page: Page, shots: Path) -> None:
        self.page, self.shots = page, shots
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))
        page.on("console", lambda m: self.errors.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("request", lambda request: self.hosts.add(request.url.partition("//")[2].partition(":")[0]))

    def open(self, url: str) -> int:
        """Go to a page and return its status."""
        answer = self.page.goto(url, wait_until="load")
        assert answer is not None
        return answer.status

    def text(self, selector: str) -> str:
        """Return the text of the first element."""
        return self.page.locator(selector).first.inner_text()

    def shoot(self, name: str, *, full: bool = False) -> None:
        """Keep a screenshot."""
        self.shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=full)

    def watch(self) -> tuple[float, int, float]:
        """Return how many seconds and pictures of the video were played, and for how long it stood still at most."""
        played, frames, stall = self.page.evaluate(WATCH)
        return float(played), int(frames), float(stall)

    def play(self, seconds: float, within: float = PLAYING_SECONDS) -> float:
        """Wait until the video has played ``seconds`` more with new pictures; returns how long that took."""
        began, (first, pictures, _) = time.monotonic(), self.watch()
        # wait_for_function would need eval, which the shop's content security policy forbids.
        while (now := self.watch())[0] < first + seconds or now[1] <= pictures:
            pictures = min(pictures, now[1])  # a player that begins anew counts anew
            state = self.page.locator("#player").get_attribute("data-state")
            told = f"{now[0] - first:.1f} s played and {now[1] - pictures} pictures within {within:g} s, state {state}"
            assert time.monotonic() < began + within, told
            self.page.wait_for_timeout(100)
        return time.monotonic() - began

    def watch_pins(self) -> None:
        """Write down what is pinned from now on."""
        self.page.evaluate(WATCH_PINS)

    def last_pin(self) -> Pin:
        """Return what was pinned last since `watch_pins`."""
        product, picture, clock = self.page.evaluate("window.onairPins.at(-1)")
        assert picture is not None, f"{product} was pinned by the clock: the page had no picture"
        return Pin(str(product), picture / 1000, clock / 1000)

    def overflow(self) -> int:
        """Return how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@contextmanager
def viewer(
    browser: Browser, root: Path, locale: str, size: tuple[int, int] = DESKTOP, geo: tuple[str, str] | None = None
) -> Iterator[Viewer]:
    """Open a viewer's page; ``geo`` is an address and the region that its cookie names."""
    shots = Path(os.environ.get("ONAIR_SHOTS") or root / "build/screenshots")
    width, height = size
    context = browser.new_context(
        locale=locale,
        viewport={"width": width, "height": height},
        is_mobile=size == PHONE,
        has_touch=size == PHONE,
        device_scale_factor=2 if size == PHONE else 1,
    )
    try:
        context.add_init_script(KEEP_PLAYER)
        if geo:
            context.add_cookies([{"name": "geo", "value": geo[1], "url": geo[0]}])
        yield Viewer(context.new_page(), shots)
    finally:
        context.close()
