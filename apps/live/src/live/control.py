"""What sellers may do, and where it is written: always in the show's home region."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from live.journal import Conflict, Draft, Event, Kind, from_peer, to_peer
from live.programme import Show
from live.replica import Replica
from onair_common.access_record import recorded
from onair_common.database import AWAY
from onair_common.identity import Sessions, Viewer
from onair_common.peer import Peer, PeerAway
from onair_common.refusals import Refused, signed_in

OLDEST_MEDIA, NEWEST_MEDIA = timedelta(minutes=2), timedelta(seconds=10)
"""How far a picture that somebody watches may be from now: players hold back, clocks differ."""
SEEN_SECONDS = 1.0
"""So long an answer waits until this process shows what it did."""


class Control:
    """Takes sellers' requests, and those that the other region passes on."""

    def __init__(
        self, region: str, sessions: Sessions, peer: Peer, replica: Replica, now: Callable[[], datetime]
    ) -> None:
        self._region, self._sessions, self._peer = region, sessions, peer
        self._replica, self._now = replica, now

    def seller(self, request: Request) -> Viewer:
        """Return the seller who asks; raises `Refused` for anybody else."""
        return signed_in(request, self._sessions, seller=True)

    async def act(self, request: Request, viewer: Viewer, show: Show, kind: Kind, body: dict[str, Any]) -> Response:
        """Let a seller's wish come true in the show's home region.

        Raises
        ------
        Refused
            When the show's state or the media time does not allow it, or its home region does not answer.
        """
        with recorded(request, viewer.id, f"show.{kind}", show.id):
            event = await self._done(viewer, show, kind, body)
        await self._replica.wait(lambda: self._replica.journal.known.get(event.home, 0) >= event.seq, SEEN_SECONDS)
        return JSONResponse(event.public(), 201, headers={"cache-control": "no-store"})

    async def _done(self, viewer: Viewer, show: Show, kind: Kind, body: dict[str, Any]) -> Event:
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
            return await (self._write if show.home_region == self._region else self._forward)(draft, show)
        except Conflict as error:
            raise Refused(error.code) from error
        except PeerAway as error:
            raise Refused("home-away") from error
        except AWAY as error:
            raise Refused("away") from error

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
            raise Refused(error.code) from error

    async def _write(self, draft: Draft, show: Show) -> Event:
        return await self._replica.store.record(draft, show)

    async def _forward(self, draft: Draft, show: Show) -> Event:
        answer = await self._peer.post("/peer/events", to_peer(draft))
        if answer.status_code == 409:
            raise Conflict(str(answer.json()["code"]))
        if answer.status_code != 201:
            raise PeerAway(f"{show.home_region}: status {answer.status_code}")
        return cast(Event, from_peer(answer.json()))

    def _media_time(self, given: str | None, now: datetime) -> datetime:
        if given is None:
            return now
        try:
            at = datetime.fromisoformat(given).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Refused("bad-media-time") from error
        if not now - OLDEST_MEDIA <= at <= now + NEWEST_MEDIA:
            raise Refused("bad-media-time")
        return at


def product_of_show(body: dict[str, Any], products: set[str]) -> None:
    """Check that a cue names a product that the show sells.

    Raises
    ------
    Refused
        When it does not.
    """
    if body.get("product") is not None and body["product"] not in products:
        raise Refused("other-product")
