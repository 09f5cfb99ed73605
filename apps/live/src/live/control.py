"""What sellers may do, and where it is written: always in the show's home region."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from live.journal import Conflict, Draft, Event, Kind, from_peer, to_peer
from live.programme import Show
from live.replica import Replica
from onair_common.asgi import problem
from onair_common.database import AWAY
from onair_common.identity import Sessions, Viewer
from onair_common.openapi import BadBody
from onair_common.peer import Peer, PeerAway

OLDEST_MEDIA, NEWEST_MEDIA = timedelta(minutes=2), timedelta(seconds=10)
"""How far a picture that somebody watches may be from now: players hold back, clocks differ."""
SEEN_SECONDS = 1.0
"""So long an answer waits until this process shows what it did."""
_record = structlog.get_logger("record")
"""Who did what, when and from where: the audit's stream."""


class Refused(Exception):
    """A request is refused; carries the answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Control:
    """Takes sellers' requests, and those that the other region passes on."""

    def __init__(
        self, region: str, sessions: Sessions, peer: Peer, replica: Replica, now: Callable[[], datetime]
    ) -> None:
        self._region, self._sessions, self._peer = region, sessions, peer
        self._replica, self._now = replica, now

    def seller(self, request: Request) -> Viewer:
        """Return the seller who asks.

        Raises
        ------
        Refused
            Without a session (401), as a viewer or without the session's token (403).
        """
        viewer = self._sessions.of(request)
        if viewer is None:
            raise Refused(problem(401, "Unauthorized", "sign in"))
        if viewer.role != "seller":
            raise Refused(problem(403, "Forbidden", "sellers only"))
        if not self._sessions.csrf_valid(viewer, request.headers.get("x-csrf-token")):
            raise Refused(problem(403, "Forbidden", "x-csrf-token is missing or another session's"))
        return viewer

    async def act(self, viewer: Viewer, show: Show, kind: Kind, body: dict[str, Any]) -> Response:
        """Let a seller's wish come true in the show's home region.

        Raises
        ------
        BadBody
            When the media time is none that somebody can be watching.
        """
        now = self._now()
        draft = Draft(
            id=uuid.uuid4().hex,
            show=show.id,
            kind=kind,
            at=self._media_time(body.get("mediaTime"), now),
            made=now,
            by=viewer.id,
            via=self._region,
            **{name: body.get(name) for name in ("product", "sku", "sale")},
        )
        try:
            event = await (self._write if show.home_region == self._region else self._forward)(draft, show)
        except Conflict as error:
            return problem(409, "Conflict", str(error))
        except PeerAway:
            detail = (
                f"the show's home region, {show.home_region}, does not answer; nothing was changed by it for certain"
            )
            return problem(503, "Service Unavailable", detail, {"retry-after": "2"})
        except AWAY:
            return problem(503, "Service Unavailable", "the database is away", {"retry-after": "2"})
        await self._replica.wait(lambda: self._replica.journal.known.get(event.home, 0) >= event.seq, SEEN_SECONDS)
        return JSONResponse(event.public(), 201, headers={"cache-control": "no-store"})

    async def passed_on(self, body: dict[str, Any], show: Show) -> Response:
        """Write what the other region passes on; twice the same is written once.

        Raises
        ------
        ValueError
            When it is no draft.
        """
        draft: Draft = from_peer(body, Draft)
        try:
            return JSONResponse(to_peer(await self._write(draft, show)), 201)
        except Conflict as error:
            return problem(409, "Conflict", str(error))
        except AWAY:
            return problem(503, "Service Unavailable", "the database is away")

    async def _write(self, draft: Draft, show: Show) -> Event:
        event, new = await self._replica.store.record(draft, show)
        if new:
            _record.info("show control", who=draft.by, what=draft.kind, show=show.id, seq=event.seq, came_to=draft.via)
        return event

    async def _forward(self, draft: Draft, show: Show) -> Event:
        answer = await self._peer.post("/peer/events", to_peer(draft))
        if answer.status_code == 409:
            raise Conflict(str(answer.json().get("detail", "")))
        if answer.status_code != 201:
            raise PeerAway(f"{show.home_region}: status {answer.status_code}")
        return cast(Event, from_peer(answer.json()))

    def _media_time(self, given: str | None, now: datetime) -> datetime:
        if given is None:
            return now
        try:
            at = datetime.fromisoformat(given).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise BadBody(422, "Unprocessable Content", "mediaTime: no instant") from error
        if not now - OLDEST_MEDIA <= at <= now + NEWEST_MEDIA:
            raise BadBody(422, "Unprocessable Content", "mediaTime: not within the last two minutes")
        return at


def product_of_show(body: dict[str, Any], products: set[str]) -> None:
    """Check that a cue names a product that the show sells.

    Raises
    ------
    BadBody
        When it does not.
    """
    if body.get("product") is not None and body["product"] not in products:
        raise BadBody(422, "Unprocessable Content", "product: not one of this show's")
