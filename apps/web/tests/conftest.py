"""The pages on a loopback port with stand-ins of the services behind them, and Chromium to look at them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from apps.web.tests.behind import KEYS, Behind, Issuer
from apps.web.tests.standins import StandIns
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.types import Receive, Scope, Send

from onair_common.asgi import Lifecycle, Shell
from onair_common.identity import COOKIE, Role, Sessions, Viewer
from onair_common.settings import Settings
from onair_common.sign_in import Flows
from web.app import create
from web.assets import Assets
from web.sellers import Sellers

PHONE, DESKTOP = (360, 780), (1280, 800)
SHOTS = Path(os.environ.get("ONAIR_SHOTS") or Path(__file__).parents[3] / "build/screenshots")
Open = Callable[..., Page]
CHROMIUM = "/usr/bin/chromium"
VIDEO_DELAY = 3.0
"""Seconds by which the picture of the stand-in player lies behind the clock."""
# What the page's script uses of hls.js; the picture's instant is the clock's, some seconds late.
PLAYER = """window.Hls = class {
  static isSupported() { return true; }
  static Events = { ERROR: "e", MANIFEST_PARSED: "m", LEVEL_UPDATED: "l" };
  config = {};
  get playingDate() { return new Date(Date.now() - 3000); }
  on() {} attachMedia() {} loadSource() {}
};
"""


@pytest.fixture(autouse=True)
def _session_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_KEYS", KEYS[0])


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
def player(tmp_path: Path) -> Path:
    file = tmp_path / "hls.js"
    file.write_text(PLAYER + "//# sourceMappingURL=hls.js.map\n")
    return file


@pytest.fixture
def client(behind: Behind, player: Path, region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    """The pages without a network."""
    settings = Settings.read({"SERVICE_NAME": "web", "VERSION": "7.1", "HOSTNAME": "web-abc", **region_env["kr"]})
    lifecycle = Lifecycle()
    upstream = httpx.AsyncClient(transport=httpx.MockTransport(behind.answer))
    sellers = Sellers(Issuer(), Flows(KEYS))
    app = Shell(create(settings, lifecycle, upstream, Assets(player), sellers=sellers), settings, lifecycle)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://shop")


@dataclass
class Loopback:
    """The running shop."""

    port: int
    behind: StandIns
    loop: asyncio.AbstractEventLoop

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def run(self, action: Coroutine[Any, Any, None]) -> None:
        """Let the services do something, in their own loop."""
        asyncio.run_coroutine_threadsafe(action, self.loop).result(5)

    def cookie(self, role: Role, nickname: str) -> dict[str, Any]:
        """Return a session for a browser."""
        viewer = Viewer("5" * 32 if role == "seller" else "1" * 32, nickname, role, int(time.time()) + 40000)
        return {
            "name": COOKIE, "value": self.behind.sessions.issue(viewer), "url": self.address.replace("http:", "https:"),
            "secure": True, "httpOnly": True, "sameSite": "Lax",
        }  # fmt: skip


@pytest.fixture
def loopback(
    player: Path, region_env: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Loopback]:
    # Pages and stand-ins share one thread here: on a busy machine the first page is late by itself.
    monkeypatch.setattr("web.backends.PATIENCE_SECONDS", 10)
    sessions, ready = Sessions(KEYS), threading.Event()
    behind = StandIns(sessions)
    settings = Settings.read({"SERVICE_NAME": "web", "HOSTNAME": "web-abc", **region_env["kr"]})
    config = uvicorn.Config(_nothing, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="websockets-sansio")
    config.load()
    server, loops, sockets = uvicorn.Server(config), list[asyncio.AbstractEventLoop](), [config.bind_socket()]
    port = int(sockets[0].getsockname()[1])
    for name in ("CATALOG", "LIVE", "ORDER"):
        monkeypatch.setenv(f"{name}_URL", f"http://127.0.0.1:{port}")
    lifecycle = Lifecycle()
    client = httpx.AsyncClient(trust_env=False)
    web = Shell(create(settings, lifecycle, client, Assets(player), sessions=sessions), settings, lifecycle)

    async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
        service = behind if scope["path"].startswith("/api/") else web
        await service(scope, receive, send)

    config.loaded_app = gateway

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        ready.set()
        await server.serve(sockets)
        await client.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield Loopback(port, behind, loops[0])
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        sockets[0].close()


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Of a module, not of the session: while it is there, its event loop is in the way of asynchronous tests.
    if not Path(CHROMIUM).exists():
        pytest.fail("Chromium is missing: apt-get install chromium")
    expect.set_options(timeout=15_000)  # machines are busy
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, loopback: Loopback) -> Iterator[Open]:
    """Opens a page in a context of its own; at the end no page may have had an error in its script."""
    contexts, errors = [], list[str]()

    def open_page(path: str, *, locale: str = "ko-KR", size: tuple[int, int] = DESKTOP, seller: bool = False,
                  scheme: str = "light", script: bool = True, zone: str | None = None) -> Page:  # fmt: skip
        context = browser.new_context(
            locale=locale,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            java_script_enabled=script,
            timezone_id=zone,
        )
        contexts.append(context)
        if seller:
            context.add_cookies([loopback.cookie("seller", "Maya")])  # type: ignore[list-item]
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(loopback.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, errors
