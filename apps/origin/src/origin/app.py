"""HTTP interface of the origin: /video/<region>/index.m3u8 is the channel that region publishes."""

from __future__ import annotations

import asyncio
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

from onair_common.asgi import Lifecycle, health_routes, problem
from onair_common.settings import SettingError, Settings, number, text
from origin import timeline
from origin.clip import Clip, ClipError
from origin.peer import RELAY_HEADER, Peer, PeerAway
from origin.relay import Role

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
_SEGMENT = re.compile(r"(\d{1,12})\.m4s\Z")


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


def create(
    settings: Settings,
    lifecycle: Lifecycle,
    client: httpx.AsyncClient | None = None,
    cameras: Cameras | None = None,
    now: Callable[[], float] = time.time,
) -> Starlette:
    """Build the service."""
    http = client or httpx.AsyncClient(trust_env=False)
    cams = cameras or Cameras.open(Path(text("CLIPS", "/srv/onair/assets")))
    bases = [b.strip().rstrip("/") for b in text("PEER_ORIGINS", ",").split(",") if b.strip()]
    for base in bases:
        if not base.startswith(("http://", "https://")):
            raise SettingError(f"PEER_ORIGINS: {base!r} is no base URL; write http://<address>:<port>")
    peers = {
        settings.peer_region: Peer(
            http, settings.peer_region, bases, number("TAKEOVER_SECONDS", 3), number("HANDBACK_SECONDS", 5)
        )
    }

    def role_of(channel: str) -> Role | None:
        if channel == settings.region:
            return "publisher"
        return peers[channel].role if channel in peers else None

    def headers(role: Role, cache: str) -> dict[str, str]:
        return {"cache-control": cache, "x-onair-video": role, "access-control-allow-origin": "*"}

    def refused(request: Request, role: Role | None) -> Response | None:
        if role is None:
            return problem(404, "Not Found", "no such channel")
        if role != "publisher" and RELAY_HEADER in request.headers:
            # Two origins that relay each other would pass a stale picture round in circles.
            return problem(421, "Misdirected Request", "this origin does not publish the channel")
        return None

    async def index(request: Request) -> Response:
        channel = request.path_params["channel"]
        role = role_of(channel)
        if answer := refused(request, role):
            return answer
        assert role is not None  # noqa: S101  refused() has answered
        own = timeline.playlist(now())
        body = own if role == "publisher" else peers[channel].offer(own)
        return Response(body, headers=headers(role, "no-cache"), media_type=PLAYLIST_TYPE)

    async def media(request: Request) -> Response:
        channel, name = request.path_params["channel"], request.path_params["name"]
        role = role_of(channel)
        if answer := refused(request, role):
            return answer
        assert role is not None  # noqa: S101  refused() has answered
        if name == "init.mp4":
            return Response(cams.main.init, headers=headers(role, "max-age=3600"), media_type="video/mp4")
        match = _SEGMENT.match(name)
        if not match or not timeline.on_offer(int(match[1]), now()):
            return problem(404, "Not Found", "no such segment, or not on offer now", {"cache-control": "no-cache"})
        if role == "relay":
            try:
                data = await peers[channel].segment(name)
                return Response(data, headers=headers(role, "max-age=60, immutable"), media_type="video/iso.segment")
            except PeerAway:
                role = "takeover"  # this one segment: the picture goes on before the loss is established
        camera = cams.main if role == "publisher" else cams.standby
        data = camera.segment(int(match[1]))
        return Response(data, headers=headers(role, "max-age=60, immutable"), media_type="video/iso.segment")

    async def status(_: Request) -> Response:
        channels = [
            {"channel": c, "role": role, "source": c if role == "relay" else settings.region}
            for c in (settings.region, *peers)
            if (role := role_of(c))
        ]
        return JSONResponse(
            {"region": settings.region, "liveEdge": timeline.live_edge(now()), "channels": channels},
            headers={"cache-control": "no-cache"},
        )

    async def ready() -> str | None:
        return None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(peer.run()) for peer in peers.values() if bases]
        yield
        for task in tasks:
            task.cancel()
        await http.aclose()

    app = Starlette(
        routes=[
            Route("/video/status", status),
            Route("/video/{channel}/index.m3u8", index),
            Route("/video/{channel}/{name}", media),
            *health_routes(lifecycle, ready),
        ],
        lifespan=lifespan,
    )
    app.state.peers = peers
    if not bases:
        # Alone, there is nobody to wait for.
        for peer in peers.values():
            peer.state.role = "takeover"
    return app
