from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from onair_common.asgi import Lifecycle
from onair_common.settings import SettingError, Settings
from origin import app, timeline
from origin.app import Cameras

pytestmark = pytest.mark.integration
NOW = 1_795_423_500.0


class Link:
    """The inter-region link: carries the relay's requests to the publisher until it is cut."""

    def __init__(self) -> None:
        self.cut = False
        self.carried: list[str] = []
        self.far: httpx.ASGITransport | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.cut or self.far is None:
            raise httpx.ConnectTimeout("cut")
        self.carried.append(request.url.path.rpartition("/")[2])
        answer = await self.far.handle_async_request(request)
        await answer.aread()
        return answer


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def regions(
    link: Link,
    cameras: Cameras,
    region_env: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Starlette]:
    """The two regions' origins: kr publishes, us relays kr over the link."""
    monkeypatch.setenv("TAKEOVER_SECONDS", "0")
    monkeypatch.setenv("HANDBACK_SECONDS", "0")
    monkeypatch.setenv("PEER_ORIGINS", "http://dead.invalid:1,http://peer:30808/")
    monkeypatch.setattr("time.time", lambda: NOW)

    async def towards_us(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("not needed here")

    async def towards_kr(request: httpx.Request) -> httpx.Response:
        if request.url.host != "peer":
            raise httpx.ConnectError("no such node")
        return await link(request)

    made = {}
    for region, handler in (("kr", towards_us), ("us", towards_kr)):
        settings = Settings.read({"SERVICE_NAME": "origin", **region_env[region]})
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        made[region] = app.create(settings, Lifecycle(), client, cameras, now=lambda: NOW)
    link.far = httpx.ASGITransport(app=made["kr"])
    return made


def viewer(origin: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=origin), base_url="http://origin")


async def role(client: httpx.AsyncClient, channel: str) -> tuple[str, str]:
    channels = (await client.get("/video/status")).json()["channels"]
    return next((c["role"], c["source"]) for c in channels if c["channel"] == channel)


async def test_relays_takes_over_and_hands_back_with_the_same_numbers(
    regions: dict[str, Starlette], link: Link, cameras: Cameras
) -> None:
    kr, us = viewer(regions["kr"]), viewer(regions["us"])
    peer = regions["us"].state.peers["kr"]
    number = timeline.live_edge(NOW)
    await peer.poll()
    assert await role(kr, "kr") == ("publisher", "kr")
    assert await role(us, "kr") == ("relay", "kr")
    published = await kr.get("/video/kr/index.m3u8")
    relayed = await us.get("/video/kr/index.m3u8")
    assert relayed.text == published.text
    assert relayed.headers["x-onair-video"] == "relay"
    for _ in range(5):
        assert (await us.get(f"/video/kr/{number}.m4s")).content == cameras.main.segment(number)
    assert link.carried.count(f"{number}.m4s") == 1, "a segment crosses the link once for all viewers"

    link.cut = True
    before_known = await us.get(f"/video/kr/{number - 1}.m4s")
    assert (before_known.status_code, before_known.headers["x-onair-video"]) == (200, "takeover")
    assert before_known.content == cameras.standby.segment(number - 1)
    await peer.poll()
    assert await role(us, "kr") == ("takeover", "us")
    assert (await us.get("/video/kr/index.m3u8")).text == published.text, "same numbers, same dates"
    assert (await us.get("/video/kr/init.mp4")).content == (await kr.get("/video/kr/init.mp4")).content

    link.cut = False
    await peer.poll()
    assert await role(us, "kr") == ("relay", "kr")


async def test_an_old_playlist_counts_as_a_lost_publisher(
    regions: dict[str, Starlette], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = regions["us"].state.peers["kr"]
    await peer.poll()
    monkeypatch.setattr("time.time", lambda: NOW + 30)
    await peer.poll()
    assert peer.role == "takeover"


async def test_two_origins_never_relay_each_other(regions: dict[str, Starlette]) -> None:
    answer = await viewer(regions["us"]).get("/video/kr/index.m3u8", headers={"x-onair-relay": "1"})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "path", ["fr/index.m3u8", "kr/x.m4s", "kr/0.m4s", "kr/99999999999.m4s", "kr/..%2f..%2fetc", "kr/-1.m4s"]
)
async def test_what_is_not_on_offer_is_404(path: str, regions: dict[str, Starlette]) -> None:
    assert (await viewer(regions["kr"]).get(f"/video/{path}")).status_code == 404


def test_a_peer_that_is_no_url_is_refused(
    cameras: Cameras, region_env: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEER_ORIGINS", "10.0.0.1:30808")
    with pytest.raises(SettingError, match="PEER_ORIGINS"):
        app.create(Settings.read({"SERVICE_NAME": "origin", **region_env["kr"]}), Lifecycle(), cameras=cameras)
