"""Pictures of the shop as viewers of each region see it, by headless Chromium."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from onair.core.finding import Finding, OnairError

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
SHOW = "/shows/seoul-table?lang=en"
WIDTH, HEIGHT, QUALITY = 1000, 640, 60
LOAD_MILLISECONDS, PLAY_MILLISECONDS = 15_000, 4_000


def pin(certificate: Path) -> str:
    """Return the switch by which Chromium takes this one certificate that the machine does not trust, by its key."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}"


def shoot(address: str, certificate: Path, files: Mapping[str, Path]) -> None:
    """Photograph a show's page for the viewers of each region, once its video had time to play.

    Raises
    ------
    OnairError
        If there is no browser, or no page.
    """
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - a tool of tests
    except ImportError as error:
        mend = "make deps-dev .venv/dev.stamp"
        raise OnairError(Finding(rule="drill/no-browser", what="pictures need Playwright", mend=mend)) from error
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, pin(certificate)])
            for region, file in files.items():
                context = browser.new_context(locale="en-US", viewport={"width": WIDTH, "height": HEIGHT})
                context.add_cookies([{"name": "geo", "value": region, "url": address}])
                page = context.new_page()
                page.goto(address + SHOW, wait_until="load", timeout=LOAD_MILLISECONDS)
                page.wait_for_timeout(PLAY_MILLISECONDS)
                file.parent.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=file, type="jpeg", quality=QUALITY)
                context.close()
            browser.close()
    except Error as error:
        what = f"no picture of {address}{SHOW}: {str(error).splitlines()[0]}"
        raise OnairError(Finding(rule="drill/no-picture", what=what, mend="make deps-dev installs Chromium")) from error
