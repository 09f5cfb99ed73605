"""HTTP interface of show control; lives on what the catalogue said last when the catalogue is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from live.playback import OriginPlayback, Playback
from live.programme import Show, slot
from onair_common.asgi import Lifecycle, health_routes, problem
from onair_common.settings import Settings, text
from onair_common.upstream import Answer, Unavailable, Upstream, closing, ready_once

_PATH = "/api/catalog/shows"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create(
    settings: Settings,
    lifecycle: Lifecycle,
    client: httpx.AsyncClient | None = None,
    playback: Playback | None = None,
    now: Callable[[], datetime] = _utc_now,
) -> Starlette:
    """Build the service."""
    http = client or httpx.AsyncClient(trust_env=False)
    catalog = Upstream(http, "catalog", text("CATALOG_URL", "http://catalog"), now=lambda: now().timestamp())
    player = playback or OriginPlayback()

    def entry(raw: dict[str, Any]) -> dict[str, Any]:
        show = Show.of(raw)
        run = slot(show, now())
        return {
            "id": show.id,
            "homeRegion": show.home_region,
            "status": run.status,
            "startsAt": run.start.astimezone(UTC).isoformat(),
            "endsAt": run.end.astimezone(UTC).isoformat(),
            "playback": {"kind": player.kind, "url": player.address(show)},
        }

    async def programme() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        answer = await catalog.get(_PATH) or Answer({"shows": []}, stale=False, as_of=0)
        source = {
            "source": "last-known" if answer.stale else "catalog",
            "asOf": datetime.fromtimestamp(answer.as_of, UTC).isoformat(timespec="seconds"),
        }
        return [entry(raw) for raw in answer.body["shows"]], source

    async def shows(_: Request) -> Response:
        entries, source = await programme()
        return JSONResponse({"shows": entries} | source, headers={"cache-control": "no-cache"})

    async def show(request: Request) -> Response:
        entries, source = await programme()
        for found in entries:
            if found["id"] == request.path_params["show"]:
                return JSONResponse(found | source, headers={"cache-control": "no-cache"})
        return problem(404, "Not Found", "no such show")

    async def unavailable(_: Request, error: Exception) -> Response:
        return problem(503, "Service Unavailable", headers={"retry-after": "1"})

    return Starlette(
        routes=[
            Route("/api/live/shows", shows),
            Route("/api/live/shows/{show}", show),
            *health_routes(lifecycle, ready_once(programme)),
        ],
        exception_handlers={Unavailable: unavailable},
        lifespan=closing(http),
    )
