"""What a drill found: its events, and a verdict out of the clients' own logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from onair.core.drill.plan import Bound, Bounds
from onair.core.load_result import Measured
from onair.core.viewer.plan import Activity

QUIET_SECONDS = 2.0
"""Requests that were due so long before a fault may still be under way when it comes."""

Kind = Literal["fault", "detected", "heal", "recovered"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Event(_Model):
    """Something that happened, ``at`` so many seconds after the first request was due.

    Attributes
    ----------
    took
        For what was waited for: seconds since the fault or the healing; None where it did not come in time.
    bound
        The longest time it may take.
    """

    at: float
    kind: str
    what: str
    took: float | None = None
    bound: float | None = None
    detail: str = ""


def numbered(events: Sequence[Event]) -> Iterator[tuple[int, int, Event, Kind]]:
    """Yield the events that a report tells: number (from 1), place in the record, the event, and what it was."""
    healed, number = False, 0
    for place, event in enumerate(events):
        healed = healed or event.kind == "heal"
        kind: Kind
        if event.kind == "injected":
            kind = "fault"
        elif event.kind == "heal":
            kind = "heal"
        elif event.kind == "seen":
            kind = "recovered" if healed else "detected"
        else:
            continue
        number += 1
        yield number, place, event, kind


class Window(_Model):
    """What viewers met between two moments; ``errors`` is from the first to the last failed request, in seconds."""

    sent: int
    failed: int
    errors: float
    p50: float | None
    p99: float | None
    outcomes: dict[str, int]
    regions: dict[str, int]


class Seen(_Model):
    """What the viewers of one region met, before the fault, while it stood, and after it was healed."""

    rate: float
    before: Window
    during: Window
    after: Window
    timeline: list[tuple[float, int, int, float | None]]
    """Second, good, failed, p99 in milliseconds."""
    served: dict[str, list[tuple[float, int]]] = {}
    """Answers by the second, by the region that gave them."""

    @property
    def windows(self) -> tuple[Window, Window, Window]:
        """All three."""
        return self.before, self.during, self.after


class Run(_Model):
    """One run of a drill; times in seconds after the first request was due.

    Attributes
    ----------
    viewers
        What pages met, by the viewers' region.
    sessions
        What viewers noticed in their sessions, by region and activity.
    books
        After the drill, breaches by invariant of what was sold in it; None where nothing was.
    """

    drill: str
    started_at: float
    commit: str
    machine: str
    events: list[Event]
    viewers: dict[str, Seen]
    sessions: dict[str, dict[Activity, Seen]] = {}
    books: dict[str, int] | None = None
    breaches: list[str]
    screens: dict[str, str] = {}
    interrupted: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing was breached and the drill came to its end."""
        return not self.breaches and not self.interrupted

    def count(self) -> tuple[int, int]:
        """Return requests that failed, and all that were sent."""
        windows = [window for seen in self.viewers.values() for window in seen.windows]
        return sum(window.failed for window in windows), sum(window.sent for window in windows)

    @property
    def errors(self) -> float:
        """The longest time from a first to a last failed request, of any viewers and after fault or healing."""
        return max((w.errors for seen in self.viewers.values() for w in (seen.during, seen.after)), default=0.0)

    @property
    def recovered(self) -> list[float | None]:
        """Seconds from the fault until each thing was seen that was expected while it stood; None for what was not."""
        heal = next((event.at for event in self.events if event.kind == "heal"), float("inf"))
        return [event.took for event in self.events if event.kind == "seen" and event.at <= heal]


def window(found: Measured, begin: float, end: float) -> Window:
    """Return what viewers met of the requests that were due from ``begin`` to ``end``.

    Times of the timeline's steps are whole: a step belongs to the window that it begins in.
    """
    steps = [step for step in found.timeline if begin <= step.at < end]
    failures = [each for each in found.failures if begin <= each.due < end]
    outcomes, regions = Counter[str](), Counter[str]()
    for step in steps:
        outcomes.update(step.failures)
        regions.update(step.regions)
    tails = [step.p99 for step in steps if step.p99 is not None]
    middles = sorted(step.p50 for step in steps if step.p50 is not None)
    errors = max(x.due + x.took for x in failures) - min(x.due for x in failures) if failures else 0.0
    return Window(
        sent=sum(step.ok + step.failed for step in steps),
        failed=sum(step.failed for step in steps),
        errors=errors,
        p50=middles[len(middles) // 2] if middles else None,
        p99=max(tails) if tails else None,
        outcomes=dict(outcomes),
        regions=dict(regions),
    )


def seen(found: Measured, rate: float, fault: float, heal: float, began: float) -> Seen:
    """Return what one region's viewers met.

    Parameters
    ----------
    fault, heal
        When each was, in seconds of the drill.
    began
        Unix time of the drill's second 0; each client has its own.
    """
    ahead = found.started_at - began
    begin, turn = max(0.0, fault - ahead - QUIET_SECONDS), max(0.0, heal - ahead - QUIET_SECONDS)
    return Seen(
        rate=rate,
        before=window(found, 0.0, begin),
        during=window(found, begin, turn),
        after=window(found, turn, found.elapsed + 1),
        timeline=[(round(step.at + ahead, 3), step.ok, step.failed, step.p99) for step in found.timeline],
        served={
            region: [(round(step.at + ahead, 3), step.regions.get(region, 0)) for step in found.timeline]
            for region in sorted({name for step in found.timeline for name in step.regions})
        },
    )


def breaches(
    events: Sequence[Event],
    viewers: Mapping[str, Seen],
    bounds: Bounds,
    sessions: Mapping[str, Mapping[Activity, Seen]] | None = None,
    books: Mapping[str, int] | None = None,
) -> list[str]:
    """Return what was not as the drill's hypothesis says."""
    found = [f"{e.what}: not within {e.bound:g} s ({e.detail})" for e in events if e.bound and e.took is None]
    for region, each in viewers.items():
        found += _unlike(f"viewers of {region}", "requests", each, bounds)
        if not each.after.sent or not each.during.sent:
            found.append(f"viewers of {region}: nothing was asked while the fault stood, or after")
    found += _share("requests", viewers.values(), bounds)
    by_activity: dict[Activity, list[Seen]] = {}
    for region, activities in (sessions or {}).items():
        for activity, each in activities.items():
            found += _unlike(f"viewers of {region}, {activity}", "outcomes", each, bounds.of(activity))
            by_activity.setdefault(activity, []).append(each)
    for activity, all_seen in by_activity.items():
        if not any(each.during.sent or each.after.sent for each in all_seen):  # few come to one within seconds
            found.append(f"{activity}: nothing was asked while the fault stood, nor after")
        found += _share(f"outcomes of {activity}", all_seen, bounds.of(activity))
    if not bounds.lost:
        found += [f"the books: {name} {count}" for name, count in (books or {}).items() if count]
    return found


def _unlike(who: str, what: str, each: Seen, bound: Bound) -> list[str]:
    found = []
    if each.before.failed:
        found.append(f"{who}: {each.before.failed} {what} failed before the fault")
    for name, part in (("the fault", each.during), ("the healing", each.after)):
        if part.errors > bound.errorSeconds:
            within = f"{bound.errorSeconds:g} s are allowed"
            found.append(f"{who}: errors for {part.errors:.1f} s after {name}; {within}")
    return found


def _share(what: str, all_seen: Iterable[Seen], bound: Bound) -> list[str]:
    windows = [window for each in all_seen for window in each.windows]
    failed, sent = sum(w.failed for w in windows), sum(w.sent for w in windows)
    if not sent or failed / sent <= bound.failedShare:
        return []
    return [f"{failed} of {sent} {what} failed; a share of {bound.failedShare:g} is allowed"]
