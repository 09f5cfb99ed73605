"""The freeze: while a show is on air, and shortly before, nothing changes on the clusters that carry it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Meta

from onair.core.change.data import Envelope, Strict
from onair.core.finding import Finding
from onair.core.timezones import known_timezone

FREEZE = "clusters/platform/freeze.yaml"
TRAILER = "Emergency"
WHY = "a rollout during a show risks the hour that earns the day's money, with every viewer watching"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""Hour and minute as a string: without quotes YAML 1.1 reads 19:30 as the number 1170."""
Moment = Annotated[datetime, Meta(tz=True)]
"""With its offset from UTC: whose midnight would it be?"""


class Weekly(Strict, frozen=True):
    """A show at the same local time on some days of each week; ``until`` at or before ``start`` is the next day's."""

    name: str
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Meta(min_length=1)]
    start: Clock
    until: Clock
    timezone: str
    clusters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a time zone that there is not."""
        known_timezone(self.timezone)


class Dated(Strict, frozen=True):
    """One show, or a season of them."""

    name: str
    start: Moment
    until: Moment
    clusters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a show that ends before it begins."""
        if self.until <= self.start:
            raise ValueError("until is not after start")


class FreezeSpec(Strict, frozen=True):
    """The calendar; ``clusters`` of a show are all prod ones where it names none."""

    leadMinutes: Annotated[int, Meta(ge=0, le=1440)]
    weekly: tuple[Weekly, ...] = ()
    dated: tuple[Dated, ...] = ()


class Freeze(Envelope, frozen=True):
    """``clusters/platform/freeze.yaml``."""

    kind: Literal["Freeze"]
    spec: FreezeSpec


class Window(NamedTuple):
    """A time in which nothing may change: from ``leadMinutes`` before a show until its end."""

    name: str
    start: datetime
    until: datetime
    clusters: tuple[str, ...]


def windows(calendar: Freeze, now: datetime) -> list[Window]:
    """Return the windows that ``now`` lies in; a window's end is not part of it."""
    lead = timedelta(minutes=calendar.spec.leadMinutes)
    shows = [Window(x.name, x.start, x.until, x.clusters) for x in calendar.spec.dated]
    shows += [show for weekly in calendar.spec.weekly for show in _occurrences(weekly, now)]
    # In UTC: Python's arithmetic within one zone ignores its changes of the clock.
    starts = [show.start.astimezone(UTC) - lead for show in shows]
    return [show._replace(start=start) for show, start in zip(shows, starts, strict=True) if start <= now < show.until]


def _occurrences(weekly: Weekly, now: datetime) -> Iterable[Window]:
    """Iterate over a weekly show's dates around ``now``, in wall-clock time (summer time comes and goes)."""
    zone = ZoneInfo(weekly.timezone)
    start, until = time.fromisoformat(weekly.start), time.fromisoformat(weekly.until)
    today = now.astimezone(zone).date()
    for day in (today + timedelta(days=number) for number in (-1, 0, 1)):
        if DAYS[day.weekday()] in weekly.days:
            end = day if until > start else day + timedelta(days=1)
            yield Window(
                weekly.name,
                datetime.combine(day, start, zone),
                datetime.combine(end, until, zone),
                weekly.clusters,
            )


def judge(calendar: Freeze, changed: Collection[str], now: datetime, emergency: str = "") -> list[Finding]:
    """Return what forbids a change now.

    Parameters
    ----------
    changed
        The prod clusters on which something would change.
    emergency
        Why it cannot wait; then the findings are warnings, for the record.
    """
    findings = []
    for window in windows(calendar, now):
        hit = sorted(set(changed) & set(window.clusters) if window.clusters else changed)
        if not hit:
            continue
        end = window.until.isoformat(timespec="minutes")
        findings.append(
            Finding(
                rule="freeze/window",
                file=FREEZE,
                what=f"{window.name!r} is on air, or about to be, until {end}: {', '.join(hit)} would change"
                + (f" (emergency: {emergency})" if emergency else ""),
                why=WHY,
                mend=f"deliver it after {end}; what cannot wait has, in a commit message, `{TRAILER}: <reason>`",
                severity="warning" if emergency else "error",
            )
        )
    return findings
