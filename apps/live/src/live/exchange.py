"""Endpoints of the other region: it copies what was written here, and passes on what belongs here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from live.control import Control
from live.journal import to_peer
from live.replica import PULL_SECONDS, Replica
from live.stream import parse_cursor
from live.views import Views
from onair_common.asgi import Lifecycle, problem, waiting


class Exchange:
    """What /peer/events answers."""

    def __init__(self, region: str, views: Views, control: Control, replica: Replica, lifecycle: Lifecycle) -> None:
        self._region, self._views, self._control = region, views, control
        self._replica, self._lifecycle = replica, lifecycle

    async def give(self, request: Request) -> Response:
        """Answer this region's events after a sequence number; waits a moment when there are none yet."""
        try:
            after = parse_cursor(request.query_params.get("after")) or 0
            wait = min(float(request.query_params.get("wait", "0")), PULL_SECONDS)
        except ValueError as error:
            return problem(400, "Bad Request", str(error))
        known = self._replica.journal.known
        with waiting(request):
            await self._replica.wait(lambda: self._lifecycle.draining or known.get(self._region, 0) > after, wait)
        events = await self._replica.store.after(self._region, after)
        last = events[-1].seq if events else await self._replica.store.position(self._region)
        return JSONResponse({"home": self._region, "last": last, "events": [to_peer(event) for event in events]})

    async def take(self, request: Request) -> Response:
        """Write what the other region's seller wants for a show of this region."""
        try:
            body = await request.json()
            show = await self._views.show(str(body["show"]))
            if show is None or show.home_region != self._region:
                return problem(421, "Misdirected Request", "the show's home is another region")
            return await self._control.passed_on(body, show)
        except (ValueError, KeyError, TypeError) as error:
            return problem(400, "Bad Request", str(error))
