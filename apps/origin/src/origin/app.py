"""HTTP interface of the origin: /video/<channel>/index.m3u8 is what that region's show plays."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onair_common.asgi import Lifecycle, from_outside, health_routes, waiting
from onair_common.calls import http_client
from onair_common.openapi import Document
from onair_common.refusals import Refused, application
from onair_common.settings import SettingError, Settings, number, text
from origin import feed, timeline
from origin.channel import Channel
from origin.clip import Clip, ClipError
from origin.ingest import Ingest
from origin.keys import StreamKeys
from origin.peer import FEED_SECONDS, RELAY_HEADER, Peer, PeerAway
from origin.relay import RelayState, Role
from origin.words import WORDS

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
SEGMENT_TYPE = "video/iso.segment"
BLOCK_SECONDS = 1.5
"""Longest wait of a blocking reload (RFC 8216bis, 6.2.5.2): shorter than players and proxies wait for a first byte."""
_CAMERA = re.compile(r"(\d{1,12})\.m4s\Z")
_RUN = re.compile(r"(?P<ident>[0-9a-f]{8,32})(?:\.mp4|-(?P<number>\d{1,12})(?:\.(?P<part>\d{1,3}))?\.m4s)\Z")
_KEPT = "max-age=60, immutable"


@dataclass
class Cameras:
    """The main camera films what this region publishes; the standby one what it takes over from the other."""

    main: Clip
    standby: Clip

    @classmethod
    def open(cls, folder: Path) -> Cameras:
        """Open both clips.

        Raises
        ------
        SettingError
            When one is missing or unfit, or a player could not go from one to the other.
        """
        try:
            cameras = cls(Clip(folder / "main.mp4"), Clip(folder / "standby.mp4"))
        except ClipError as error:
            raise SettingError(f"CLIPS: {error}") from error
        if cameras.main.init != cameras.standby.init:
            raise SettingError(f"CLIPS: {folder}: the two cameras' init sections differ; encode them alike")
        return cameras


class Origin:
    """The channels of this region and the other, where they come from, and the answers about them."""

    def __init__(
        self,
        settings: Settings,
        http: httpx.AsyncClient,
        cameras: Cameras,
        keys: StreamKeys,
        *,
        bases: list[str],
        now: Callable[[], float],
    ) -> None:
        self.region, self.cameras, self.now = settings.region, cameras, now
        self.channels = {name: Channel(name) for name in (settings.region, settings.peer_region)}
        self.ingest = Ingest(self.channels, keys, settings.region, text("FFMPEG", "ffmpeg"))
        state = RelayState(number("TAKEOVER_SECONDS", 3), number("HANDBACK_SECONDS", 5), time.monotonic())
        if not bases:
            state.role = "takeover"  # alone, there is nobody to wait for
        self.peer = Peer(
            http, settings.peer_region, bases, state=state, channels=self.channels, supersede=self.ingest.supersede
        )

    def role(self, channel: Channel) -> Role:
        """Return what this origin is for a channel now."""
        if channel.run:
            return "publisher" if channel.run.region == self.region else "relay"
        return "publisher" if channel.name == self.region else self.peer.state.role

    async def index(self, request: Request) -> Response:
        """Answer with a channel's playlist, once the segment or part that was asked for is there."""
        channel = self._channel(request)
        wanted, part = (request.query_params.get(f"_HLS_{name}", "") for name in ("msn", "part"))
        if wanted.isdecimal() and len(wanted) <= 12:
            index = int(part) if part.isdecimal() and len(part) <= 3 else None
            with waiting(request):
                await channel.reached(int(wanted), index, BLOCK_SECONDS)
        return Response(
            channel.playlist(self.now()), headers=_headers(self.role(channel), "no-cache"), media_type=PLAYLIST_TYPE
        )

    async def media(self, request: Request) -> Response:
        """Answer with a segment, a part or an init section."""
        channel, name = self._channel(request), request.path_params["name"]
        relayed = RELAY_HEADER in request.headers
        if match := _RUN.match(name):
            return self._run(channel, match, relayed)
        return await self._camera(channel, name, relayed)

    async def _camera(self, channel: Channel, name: str, relayed: bool) -> Response:
        role: Role = "publisher" if channel.name == self.region else self.peer.state.role
        if relayed and role != "publisher":
            # Two origins that relay each other would pass a stale picture round in circles.
            raise Refused("published-elsewhere")
        if name == "init.mp4":
            return Response(self.cameras.main.init, headers=_headers(role, "max-age=3600"), media_type="video/mp4")
        camera = _CAMERA.match(name)
        if not camera or not timeline.on_offer(int(camera[1]), self.now()):
            raise Refused("not-on-offer")
        if role == "relay":
            try:
                data = await self.peer.segment(channel.name, name)
                return Response(data, headers=_headers(role, _KEPT), media_type=SEGMENT_TYPE)
            except PeerAway:
                role = "takeover"  # this one segment: the picture goes on before the loss is established
        clip = self.cameras.main if role == "publisher" else self.cameras.standby
        return Response(clip.segment(int(camera[1])), headers=_headers(role, _KEPT), media_type=SEGMENT_TYPE)

    def _run(self, channel: Channel, match: re.Match[str], relayed: bool) -> Response:
        ident, part = match["ident"], match["part"]
        run = next((r for r in reversed(channel.runs) if r.ident == ident), None)
        if run is None:
            raise Refused("not-on-offer")
        own = run.region == self.region
        if relayed and not own:
            raise Refused("published-elsewhere")
        headers = _headers("publisher" if own else "relay", _KEPT)
        if match["number"] is None:
            return Response(run.init, headers=headers, media_type="video/mp4")
        data = channel.media(ident, int(match["number"]), int(part) if part else None)
        if data is None:
            raise Refused("not-on-offer")
        return Response(data, headers=headers, media_type=SEGMENT_TYPE)

    def _channel(self, request: Request) -> Channel:
        channel = self.channels.get(request.path_params["channel"])
        if channel is None:
            raise Refused("no-channel")
        return channel

    async def feed(self, request: Request) -> Response:
        """Tell the other origin what is published here: at once when that is news to it."""
        if RELAY_HEADER not in request.headers or from_outside(request):
            raise Refused("unknown")
        if request.query_params.get("since") == str(self.revision):
            waits = [asyncio.create_task(channel.wait()) for channel in self.channels.values()]
            with waiting(request):
                await asyncio.wait(waits, timeout=FEED_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        channels = feed.describe(self.channels.values(), self.region)
        edge = timeline.live_edge(self.now())
        return JSONResponse({"revision": self.revision, "liveEdge": edge, "channels": channels})

    @property
    def revision(self) -> int:
        """A number that changes with every part, beginning and end."""
        return sum(channel.revision for channel in self.channels.values())

    async def status(self, _: Request) -> Response:
        """Tell which role this origin has for each channel."""
        channels = [
            {
                "channel": name,
                "role": (role := self.role(channel)),
                "source": channel.run.region if channel.run else name if role == "relay" else self.region,
                "live": channel.run is not None,
            }
            for name, channel in self.channels.items()
        ]
        return JSONResponse(
            {"region": self.region, "liveEdge": timeline.live_edge(self.now()), "channels": channels},
            headers={"cache-control": "no-cache"},
        )


def create(
    settings: Settings,
    lifecycle: Lifecycle,
    client: httpx.AsyncClient | None = None,
    cameras: Cameras | None = None,
    now: Callable[[], float] = time.time,
) -> Starlette:
    """Build the service."""
    http = client or http_client()
    cams = cameras or Cameras.open(Path(text("CLIPS", "/srv/onair/assets")))
    bases = [b.strip().rstrip("/") for b in text("PEER_ORIGINS", ",").split(",") if b.strip()]
    for base in bases:
        if not base.startswith(("http://", "https://")):
            raise SettingError(f"PEER_ORIGINS: {base!r} is no base URL; write http://<address>:<port>")
    keys = StreamKeys.read(os.environ, (settings.region, settings.peer_region))
    origin = Origin(settings, http, cams, keys, bases=bases, now=now)
    lifecycle.on_drain.append(origin.ingest.drain)

    async def ready() -> str | None:
        return None if origin.ingest.listening else "no publisher can come: the RTMP port is closed"

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.rtmp_port = await origin.ingest.start(int(number("RTMP_PORT", 1935)))
        following = asyncio.create_task(origin.peer.run()) if bases else None
        yield
        if following:
            following.cancel()
        await origin.ingest.stop()
        await http.aclose()

    app = application(
        settings,
        [
            Route("/video/status", origin.status),
            Route("/video/feed", origin.feed),
            Document.of("origin").route("/video/openapi.json"),
            Route("/video/{channel}/index.m3u8", origin.index),
            Route("/video/{channel}/{name}", origin.media),
            *health_routes(lifecycle, ready),
        ],
        words=WORDS,
        lifespan=lifespan,
    )
    app.state.origin = origin
    return app


def _headers(role: Role, cache: str) -> dict[str, str]:
    return {"cache-control": cache, "x-onair-video": role, "access-control-allow-origin": "*"}
