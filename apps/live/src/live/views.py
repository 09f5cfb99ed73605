"""What viewers see: the programme with what sellers made of it, on what the catalogue said last when it is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from live.journal import current_sale
from live.playback import Playback
from live.programme import Show
from live.replica import Replica
from onair_common.upstream import Answer, Upstream

_SHOWS = "/api/catalog/shows"


class Views:
    """Shows in API form."""

    def __init__(self, catalog: Upstream, replica: Replica, player: Playback, now: Callable[[], datetime]) -> None:
        self._catalog, self._replica, self._player, self._now = catalog, replica, player, now

    async def show(self, show_id: str) -> Show | None:
        """Return a show of the catalogue, None when there is none; raises `Unavailable`."""
        answer = await self._shows()
        return next((Show.of(raw) for raw in answer.body["shows"] if raw["id"] == show_id), None)

    async def products(self, show_id: str) -> set[str]:
        """Return the ids of the products that a show sells; raises `Unavailable`."""
        answer = await self._catalog.get(f"{_SHOWS}/{show_id}")
        return {product["id"] for product in answer.body["products"]} if answer else set()

    async def entries(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return every show, and where the programme comes from; raises `Unavailable`."""
        answer = await self._shows()
        source = {
            "source": "last-known" if answer.stale else "catalog",
            "asOf": datetime.fromtimestamp(answer.as_of, UTC).isoformat(timespec="seconds"),
        }
        return [self._entry(Show.of(raw)) for raw in answer.body["shows"]], source

    def before_cues(self, show: Show) -> int:
        """Return the sequence number before the first cue of what is on air, else the newest event's."""
        cues = self._replica.journal.cues(show, self._now())
        return cues[0].seq - 1 if cues else self._replica.journal.last(show.id)

    async def _shows(self) -> Answer:
        return await self._catalog.get(_SHOWS) or Answer({"shows": []}, stale=False, as_of=0)

    def _entry(self, show: Show) -> dict[str, Any]:
        now, journal = self._now(), self._replica.journal
        run, cues = journal.standing(show, now), journal.cues(show, now)
        return {
            "id": show.id,
            "homeRegion": show.home_region,
            "state": run.status,
            "status": "on-air" if run.status == "on-air" else "scheduled",  # the name before sellers could end a show
            "startsAt": run.start.astimezone(UTC).isoformat(),
            "endsAt": run.end.astimezone(UTC).isoformat(),
            "playback": {"kind": self._player.kind, "url": self._player.address(show)},
            "cues": [cue.public() for cue in cues],
            "currentSale": current_sale(cues),
            "seq": journal.last(show.id),
            "stale": not self._replica.current(show.home_region),
        }
