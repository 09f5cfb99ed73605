from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from onair_common.asgi import Lifecycle
from onair_common.settings import SettingError, Settings
from origin import app, timeline
from origin.app import Cameras
from origin.run import Part, Run

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
    monkeypatch.setenv("STREAM_KEY_KR", 8 * "key-")

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
    peer = regions["us"].state.origin.peer
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


async def test_an_origin_that_hangs_or_has_a_wrong_clock_counts_as_lost(
    regions: dict[str, Starlette], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = regions["us"].state.origin.peer
    assert await peer.poll()
    monkeypatch.setattr("time.time", lambda: NOW + 30)
    assert not await peer.poll()
    assert peer.state.role == "takeover"


def publish(origin: Starlette, ident: str, region: str, started: float = NOW) -> Run:
    channel = origin.state.origin.channels["kr"]
    run = Run(ident, region, started, b"init of " + ident.encode(), 0)
    run.put(channel.edge(NOW) + 1, started, Part(0.5, True, b"first"))
    channel.begin(run)
    return run


async def test_what_is_published_is_relayed_part_by_part_and_forgotten_when_it_is_lost(
    regions: dict[str, Starlette], link: Link
) -> None:
    kr, us = viewer(regions["kr"]), viewer(regions["us"])
    peer, channel = regions["us"].state.origin.peer, regions["us"].state.origin.channels["kr"]
    run = publish(regions["kr"], "0" * 16, "kr")
    number = run.slots[0].number
    await peer.poll()
    assert await role(us, "kr") == ("relay", "kr")
    assert (await us.get("/video/kr/index.m3u8")).text == (await kr.get("/video/kr/index.m3u8")).text
    run.put(number, NOW, Part(0.5, False, b"second"))
    run.put(number + 1, NOW + 1, Part(0.5, True, b"third"))
    regions["kr"].state.origin.channels["kr"].changed()
    await peer.poll()
    assert (await us.get("/video/kr/index.m3u8")).text == (await kr.get("/video/kr/index.m3u8")).text
    for name, body in (
        (f"{'0' * 16}.mp4", b"init of " + b"0" * 16),
        (f"{'0' * 16}-{number}.m4s", b"firstsecond"),
        (f"{'0' * 16}-{number}.1.m4s", b"second"),
        (f"{'0' * 16}-{number + 1}.0.m4s", b"third"),
    ):
        assert (await us.get(f"/video/kr/{name}")).content == body
        assert (await us.get(f"/video/kr/{name}", headers={"x-onair-relay": "1"})).status_code == 421
    assert (await us.get(f"/video/kr/{'0' * 16}-{number + 1}.m4s")).status_code == 404, "it is not whole yet"
    assert link.carried.count(f"{'0' * 16}-{number}.0.m4s") == 1

    link.cut = True
    await peer.poll()
    assert await role(us, "kr") == ("takeover", "us")
    assert channel.run is None
    assert (await us.get(f"/video/kr/{'0' * 16}-{number}.m4s")).content == b"firstsecond", (
        "who has the playlist gets it"
    )

    link.cut = False
    run.put(number + 2, NOW + 2, Part(0.5, True, b"later"))
    regions["kr"].state.origin.channels["kr"].changed()
    await peer.poll()
    assert channel.run is not None
    assert channel.run.slots[0].number == number + 2, "it goes on where no viewer has seen another picture"


@pytest.mark.parametrize(("there", "here", "kept"), [(NOW - 5, NOW, "here"), (NOW, NOW - 5, "there")])
async def test_the_later_of_two_publications_has_the_channel(
    regions: dict[str, Starlette], there: float, here: float, kept: str
) -> None:
    run = publish(regions["kr"], "a" * 16, "kr", there)
    run.put(run.slots[0].number + 1, NOW + 2, Part(0.5, True, b"next"))
    publish(regions["us"], "b" * 16, "us", here)
    us = regions["us"].state.origin
    ended = []

    def supersede(name: str) -> None:
        ended.append(name)
        us.channels[name].end()

    us.peer._supersede = supersede
    await us.peer.poll()
    assert ended == ([] if kept == "here" else ["kr"])
    assert us.channels["kr"].run.ident == ("b" if kept == "here" else "a") * 16


@pytest.mark.parametrize(
    "channels",
    [
        [],
        {"kr": 1},
        {"kr": {"id": "../../etc", "started": 1, "discontinuity": 0, "open": True, "slots": []}},
        {"kr": {"id": "a" * 16, "started": 1, "discontinuity": 0, "open": True, "slots": []}},
        {
            "kr": {
                "id": "a" * 16,
                "started": 1,
                "discontinuity": 0,
                "open": True,
                "slots": [{"number": 1, "start": 1, "parts": [[-1, True]]}],
            }
        },
    ],
)
async def test_what_is_no_feed_counts_as_lost(regions: dict[str, Starlette], channels: object) -> None:
    peer = regions["us"].state.origin.peer
    body = {"revision": 1, "liveEdge": timeline.live_edge(NOW), "channels": channels}
    peer._client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
    assert await peer.poll() is (channels == [])
    assert regions["us"].state.origin.channels["kr"].run is None


async def test_a_feed_is_for_origins(regions: dict[str, Starlette]) -> None:
    asked = {"x-onair-relay": "1"}
    for headers in ({}, asked | {"x-forwarded-for": "192.0.2.1"}):
        assert (await viewer(regions["kr"]).get("/video/feed", headers=headers)).status_code == 404
    assert (await viewer(regions["kr"]).get("/video/feed", headers=asked)).status_code == 200


async def test_two_origins_never_relay_each_other(regions: dict[str, Starlette]) -> None:
    number = timeline.live_edge(NOW)
    answer = await viewer(regions["us"]).get(f"/video/kr/{number}.m4s", headers={"x-onair-relay": "1"})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "path", ["fr/index.m3u8", "kr/x.m4s", "kr/0.m4s", "kr/99999999999.m4s", "kr/..%2f..%2fetc", "kr/-1.m4s"]
)
async def test_what_is_not_on_offer_is_404_in_the_viewers_language(path: str, regions: dict[str, Starlette]) -> None:
    for language, title in (("ko", "찾을 수 없습니다"), ("en", "Not Found")):
        answer = await viewer(regions["kr"]).get(f"/video/{path}", headers={"accept-language": language})
        assert (answer.status_code, answer.json()["title"]) == (404, title)
        assert answer.headers["cache-control"] == "no-store", "it may be there a moment later"


async def test_ready_while_publishers_can_come(regions: dict[str, Starlette], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTMP_PORT", "0")
    kr = regions["kr"]
    assert (await viewer(kr).get("/readyz")).status_code == 503
    async with kr.router.lifespan_context(kr):
        assert (await viewer(kr).get("/readyz")).status_code == 200
        kr.state.origin.ingest.drain()
        assert (await viewer(kr).get("/readyz")).status_code == 503


def test_a_peer_that_is_no_url_is_refused(
    cameras: Cameras, region_env: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEER_ORIGINS", "10.0.0.1:30808")
    with pytest.raises(SettingError, match="PEER_ORIGINS"):
        app.create(Settings.read({"SERVICE_NAME": "origin", **region_env["kr"]}), Lifecycle(), cameras=cameras)
