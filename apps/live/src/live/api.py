"""Endpoints of viewers and sellers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from live import stream
from live.control import Control, product_of_show
from live.journal import Kind
from live.programme import Show
from live.replica import Replica
from live.views import Views
from onair_common.asgi import Lifecycle
from onair_common.openapi import Document, read_bounded
from onair_common.refusals import Refused

_NO_CACHE = {"cache-control": "no-cache"}


class Api:
    """What /api/live answers; what is refused, or away, is an exception that the application answers."""

    def __init__(
        self, views: Views, control: Control, replica: Replica, document: Document, lifecycle: Lifecycle
    ) -> None:
        self._views, self._control, self._replica = views, control, replica
        self._document, self._lifecycle = document, lifecycle
        self.stream_seconds = stream.STREAM_SECONDS

    async def shows(self, _: Request) -> Response:
        """Answer every show."""
        entries, source = await self._views.entries()
        return JSONResponse({"shows": entries} | source, headers=_NO_CACHE)

    async def show(self, request: Request) -> Response:
        """Answer one show."""
        entries, source = await self._views.entries()
        found = next((entry for entry in entries if entry["id"] == request.path_params["show"]), None)
        if found is None:
            raise Refused("unknown")
        return JSONResponse(found | source, headers=_NO_CACHE)

    async def events(self, request: Request) -> Response:
        """Stream a show's events from where the client was; a newcomer gets the cues of what is on air first."""
        try:
            after = stream.parse_cursor(request.headers.get("last-event-id") or request.query_params.get("after"))
        except ValueError as error:
            raise Refused("bad-cursor") from error
        show = await self._show(request)
        if stream.full():
            raise Refused("away")
        if after is None:
            after = self._views.before_cues(show)
        told = stream.stream(self._replica, show.id, after, lambda: self._lifecycle.draining, self.stream_seconds)
        return StreamingResponse(told, headers=_NO_CACHE | {"x-accel-buffering": "no"}, media_type="text/event-stream")

    def turn(self, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint that starts or ends a show."""

        async def endpoint(request: Request) -> Response:
            seller = self._control.seller(request)
            await read_bounded(request)
            return await self._control.act(request, seller, await self._show(request), kind, {})

        return endpoint

    async def cue(self, request: Request) -> Response:
        """Take a seller's cue."""
        seller = self._control.seller(request)
        body = await self._document.body(request, "addCue")
        show = await self._show(request)
        if body.get("product") is not None:
            product_of_show(body, await self._views.products(show.id))
        return await self._control.act(request, seller, show, body["kind"], body)

    async def _show(self, request: Request) -> Show:
        show = await self._views.show(request.path_params["show"])
        if show is None:
            raise Refused("unknown")
        return show
