from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from apps.web.tests.behind import Behind

from onair_common.settings import SettingError
from web.assets import Assets
from web.pages import policy

MODULES = ("show", "common", "player", "cues", "chat", "buy")


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


@pytest.mark.parametrize(
    ("playback", "allowed"),
    [
        ("/video/kr/index.m3u8", "connect-src 'self'; media-src 'self' blob:;"),
        ("https://a1.us-west-2.playback.live-video.net/x.m3u8", "connect-src 'self' https://*.live-video.net;"),
        ("https://video.example/x.m3u8", "media-src 'self' blob: https://video.example;"),
        ("https://evil.example; script-src *", "connect-src 'self';"),
    ],
)
def test_the_policy_lets_the_video_in_and_nothing_else(playback: str, allowed: str) -> None:
    assert allowed in policy(playback)
    assert "script-src 'self';" in policy(playback)
    assert policy(playback).count("script-src") == 1


async def test_language_by_address_is_remembered(client: httpx.AsyncClient) -> None:
    assert '<html lang="ko">' in (await client.get("/")).text
    assert '<html lang="en">' in (await client.get("/", headers={"accept-language": "en-US"})).text
    assert '<html lang="en">' in (await client.get("/?lang=en")).text
    assert '<html lang="en">' in (await client.get("/shows/later")).text
    assert '<html lang="en">' in (await client.get("/?lang=<script>")).text


async def test_static_names_carry_the_hash(client: httpx.AsyncClient) -> None:
    page = (await client.get("/shows/table")).text
    names = re.findall(r'/static/[^"]+', page)
    assert {n.split("/")[2].split(".")[0] for n in names} == {
        "icon",
        "site",
        "hls",
        "show",
        "common",
        "player",
        "cues",
        "chat",
        "buy",
    }
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
    assert 'class="notice" role' in answer.text
    assert 'class="notice" role' not in fresh
    assert "39,000원" in answer.text


def test_a_missing_player_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="PLAYER"):
        Assets(tmp_path / "none.js")


def test_style_and_script_stay_small() -> None:
    static = Path(__file__).parents[1] / "src/web/static"
    assert sum(f.stat().st_size for f in static.iterdir()) <= 60_000
