"""Headless Chromium as a viewer: pages of the shop, a watched video, screenshots."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Page, Playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 800), (390, 844)
PLAYING_SECONDS = 45.0
TIME = "document.getElementById('video').currentTime"
FRAMES = "document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames"


def launch(playwright: Playwright, certificate: Path) -> Browser:
    """Start Chromium; of certificates that the machine does not trust it takes this one only, by its key."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    pin = f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}"
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, pin])


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

    def time(self) -> float:
        """Return the video's position in seconds."""
        return float(self.page.evaluate(TIME))

    def advance(self, seconds: float, within: float = PLAYING_SECONDS) -> float:
        """Wait until the video has played ``seconds`` more with new pictures; returns how long that took."""
        began, frames = time.monotonic(), int(self.page.evaluate(FRAMES))
        goal = self.time() + seconds
        self.page.wait_for_function(f"{TIME} >= {goal} && {FRAMES} > {frames}", timeout=within * 1000, polling=100)
        return time.monotonic() - began

    def sample(self) -> None:
        """Note the video's position four times a second from now on."""
        self.page.evaluate(
            f"window.onairSamples = []; setInterval(() => onairSamples.push([performance.now() / 1000, {TIME}]), 250)"
        )

    def longest_stall(self) -> float:
        """Return the longest time, seconds, over which a sampled video stood still."""
        longest = since = 0.0
        position = -1.0
        for moment, found in self.page.evaluate("window.onairSamples"):
            if found != position:
                since, position = moment, found
            longest = max(longest, moment - since)
        return longest

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
        if geo:
            context.add_cookies([{"name": "geo", "value": geo[1], "url": geo[0]}])
        yield Viewer(context.new_page(), shots)
    finally:
        context.close()
