"""When shows run. Pure: instants come in, states go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Status = Literal["on-air", "scheduled", "ended"]


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
class Turn:
    """A seller's own start or end of a show."""

    kind: Literal["start", "end"]
    at: datetime


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


def slot_after(show: Show, last: Turn | None, now: datetime) -> Slot:
    """Return the run of a show at an instant, given what a seller did last.

    A start puts the show on air, and an end off it, to the end of the run that the programme has at that time; outside
    of the programme, for as long as the show usually takes. A later run of the programme begins as always.
    """
    run = slot(show, now)
    if last is None or last.at > now:
        return run
    then = slot(show, last.at)
    until = then.end if then.status == "on-air" else last.at + show.duration
    if now >= until or (last.kind == "end" and run.status == "on-air" and run.start > last.at):
        return run
    if last.kind == "start":
        return Slot("on-air", last.at, until)
    start = run.start if run.start > now else run.start + show.period
    return Slot("ended", start, start + show.duration)
