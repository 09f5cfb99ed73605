from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from onair_common.asgi import Lifecycle, Shell
from onair_common.settings import SettingError, Settings
from web.app import create
from web.assets import Assets

SHOW = {"id": "table", "homeRegion": "kr", "title": "A <b>show</b>", "host": "Lee & Co", "summary": "s"}
LATER = SHOW | {"id": "later", "title": "Later"}
PRODUCT = {
    "id": "jar",
    "show": "table",
    "art": "moon-jar",
    "name": "Jar",
    "summary": "White",
    "variants": [
        {"sku": "J1", "label": "Big", "price": {"currency": "KRW", "minor": 50000, "listMinor": None}},
        {"sku": "J2", "label": "Small", "price": {"currency": "KRW", "minor": 39000, "listMinor": 52000}},
    ],
}
ENTRIES = [
    {
        "id": show,
        "status": status,
        "startsAt": "2026-11-23T12:00:00+00:00",
        "endsAt": "2026-11-23T13:00:00+00:00",
        "playback": {"kind": "origin", "url": "/video/kr/index.m3u8"},
    }
    for show, status in (("table", "on-air"), ("later", "scheduled"))
]


class Behind:
    """Catalogue and show control, each of which can be away."""

    def __init__(self) -> None:
        self.away: set[str] = set()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host in self.away:
            raise httpx.ConnectError("away")
        path = request.url.path
        if path == "/api/live/shows":
            body: dict[str, Any] = {"shows": ENTRIES}
        elif path == "/api/catalog/shows":
            body = {"shows": [SHOW, LATER]}
        elif path == "/api/catalog/products":
            body = {"products": [PRODUCT]}
        elif path == "/api/catalog/shows/table":
            body = SHOW | {"products": [PRODUCT]}
        elif path == "/api/catalog/shows/later":
            body = LATER | {"products": []}
        else:
            return httpx.Response(404)
        return httpx.Response(200, json=body)


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
def player(tmp_path: Path) -> Path:
    file = tmp_path / "hls.js"
    file.write_text("window.Hls={};\n//# sourceMappingURL=hls.js.map\n")
    return file


@pytest.fixture
def client(behind: Behind, player: Path, region_env: dict[str, dict[str, str]]) -> httpx.AsyncClient:
    settings = Settings.read({"SERVICE_NAME": "web", "VERSION": "7.1", "HOSTNAME": "web-abc", **region_env["kr"]})
    lifecycle = Lifecycle()
    upstream = httpx.AsyncClient(transport=httpx.MockTransport(behind.answer))
    app = Shell(create(settings, lifecycle, upstream, Assets(player)), settings, lifecycle)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop")


async def test_home_shows_what_is_on_air_and_what_comes(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert page.index("/shows/table") < page.index("/shows/later")
    assert "A &lt;b&gt;show&lt;/b&gt;" in page
    assert "11월 23일 21:00" in page


@pytest.mark.parametrize("path", ["/", "/shows/table", "/shows/later", "/shows/none"])
async def test_every_page_says_region_version_and_pod(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    for value in ('id="region">kr<', 'id="version">7.1<', 'id="pod">web-abc<'):
        assert value in answer.text
    assert (answer.headers["x-onair-region"], answer.headers["x-onair-version"]) == ("kr", "7.1")


async def test_show_page(client: httpx.AsyncClient) -> None:
    page = (await client.get("/shows/table")).text
    for part in ('data-src="/video/kr/index.m3u8"', "39,000원", "52,000원", "25%", "Big · Small", "Lee &amp; Co"):
        assert part in page
    later = (await client.get("/shows/later")).text
    assert "<video" not in later
    assert "hls" not in later


@pytest.mark.parametrize("path", ["/", "/shows/table"])
async def test_nothing_inline_and_a_policy_that_forbids_it(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", answer.text)


async def test_language_by_address_is_remembered(client: httpx.AsyncClient) -> None:
    assert '<html lang="ko">' in (await client.get("/")).text
    assert '<html lang="en">' in (await client.get("/", headers={"accept-language": "en-US"})).text
    assert '<html lang="en">' in (await client.get("/?lang=en")).text
    assert '<html lang="en">' in (await client.get("/shows/later")).text
    assert '<html lang="en">' in (await client.get("/?lang=<script>")).text


async def test_static_names_carry_the_hash(client: httpx.AsyncClient) -> None:
    page = (await client.get("/shows/table")).text
    names = re.findall(r'/static/[^"]+', page)
    assert {n.split("/")[2].split(".")[0] for n in names} == {"icon", "site", "hls"}
    for name in names:
        answer = await client.get(name)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
        assert "sourceMappingURL" not in answer.text
    # During a switch of versions, a page of the other version finds its files here, but they are not kept.
    other = await client.get("/static/site.000000000000.css")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    assert (await client.get("/static/..%2fapp.py")).status_code == 404


async def test_ready_only_once_the_shop_can_be_shown(client: httpx.AsyncClient, behind: Behind) -> None:
    behind.away = {"catalog", "live"}
    assert (await client.get("/readyz")).status_code == 503
    answer = await client.get("/")
    assert (answer.status_code, 'id="region">kr<' in answer.text) == (503, True)
    behind.away = {"live"}
    assert (await client.get("/readyz")).status_code == 200
    assert "/shows/table" in (await client.get("/")).text, "products are shown without show control"


async def test_shows_what_it_knew_when_all_is_away(client: httpx.AsyncClient, behind: Behind) -> None:
    fresh = (await client.get("/shows/table")).text
    behind.away = {"catalog", "live"}
    await asyncio.sleep(1.1)  # longer than an answer counts as fresh
    answer = await client.get("/shows/table")
    assert answer.status_code == 200
    assert 'class="notice"' in answer.text
    assert 'class="notice"' not in fresh
    assert "39,000원" in answer.text


def test_a_missing_player_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="PLAYER"):
        Assets(tmp_path / "none.js")


def test_style_and_script_stay_small() -> None:
    static = Path(__file__).parents[1] / "src/web/static"
    assert sum(f.stat().st_size for f in static.iterdir()) < 60_000
