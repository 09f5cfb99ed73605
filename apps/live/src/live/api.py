"""Endpoints of viewers and sellers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from live import stream
from live.control import Control, product_of_show
from live.journal import Kind
from live.replica import Replica
from live.views import Views
from onair_common.asgi import Lifecycle, problem
from onair_common.openapi import Document, read_bounded

_NO_CACHE = {"cache-control": "no-cache"}


class Api:
    """What /api/live answers. Unknown shows are 404; what is away is an exception that the application answers."""

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
        return JSONResponse(found | source, headers=_NO_CACHE) if found else _no_show()

    async def events(self, request: Request) -> Response:
        """Stream a show's events from where the client was; a newcomer gets the cues of what is on air first."""
        try:
            after = stream.parse_cursor(request.headers.get("last-event-id") or request.query_params.get("after"))
        except ValueError as error:
            return problem(400, "Bad Request", str(error))
        show = await self._views.show(request.path_params["show"])
        if show is None:
            return _no_show()
        if stream.full():
            return problem(503, "Service Unavailable", "too many streams", {"retry-after": "2"})
        if after is None:
            after = self._views.before_cues(show)
        told = stream.stream(self._replica, show.id, after, lambda: self._lifecycle.draining, self.stream_seconds)
        return StreamingResponse(told, headers=_NO_CACHE | {"x-accel-buffering": "no"}, media_type="text/event-stream")

    def turn(self, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint that starts or ends a show."""

        async def endpoint(request: Request) -> Response:
            seller = self._control.seller(request)
            await read_bounded(request)
            show = await self._views.show(request.path_params["show"])
            return await self._control.act(seller, show, kind, {}) if show else _no_show()

        return endpoint

    async def cue(self, request: Request) -> Response:
        """Take a seller's cue."""
        seller = self._control.seller(request)
        body = await self._document.body(request, "addCue")
        show = await self._views.show(request.path_params["show"])
        if show is None:
            return _no_show()
        if body.get("product") is not None:
            product_of_show(body, await self._views.products(show.id))
        return await self._control.act(seller, show, body["kind"], body)


def _no_show() -> Response:
    return problem(404, "Not Found", "no such show")
