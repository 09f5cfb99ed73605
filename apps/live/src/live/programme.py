"""When shows run. Pure: instants come in, states go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Status = Literal["on-air", "scheduled"]


@dataclass(frozen=True)
class Show:
    """A show that recurs every `period` from `first_start` on, for `duration` each time."""

    id: str
    home_region: str
    first_start: datetime
    duration: timedelta
    period: timedelta

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Show:
        """Read a show of the catalogue's API.

        Raises
        ------
        ValueError
            When a field is missing or malformed.
        """
        try:
            return cls(
                id=raw["id"],
                home_region=raw["homeRegion"],
                first_start=datetime.fromisoformat(raw["firstStart"]),
                duration=timedelta(seconds=raw["durationSeconds"]),
                period=timedelta(seconds=raw["periodSeconds"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"catalogue: show {raw!r} lacks {error}") from error


@dataclass(frozen=True)
class Slot:
    """One run of a show: the current one when on air, else the next."""

    status: Status
    start: datetime
    end: datetime


def slot(show: Show, now: datetime) -> Slot:
    """Return the run of a show at an instant (time zone aware, like the show's).

    The start belongs to the run, the end does not.
    """
    runs_before = max(0, (now - show.first_start) // show.period)
    start = show.first_start + runs_before * show.period
    if now >= start + show.duration:
        start += show.period
    return Slot("on-air" if start <= now else "scheduled", start, start + show.duration)
