"""What a drill found: its events, and a verdict out of the clients' own logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from onair.core.drill.plan import Bounds
from onair.core.load_result import Measured

QUIET_SECONDS = 2.0
"""Requests that were due so long before a fault may still be under way when it comes."""


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

    @property
    def windows(self) -> tuple[Window, Window, Window]:
        """All three."""
        return self.before, self.during, self.after


class Run(_Model):
    """One run of a drill; times in seconds after the first request was due."""

    drill: str
    started_at: float
    commit: str
    machine: str
    events: list[Event]
    viewers: dict[str, Seen]
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


def seen(found: Measured, rate: float, fault: float, heal: float) -> Seen:
    """Return what one region's viewers met, by the moments of the fault and of the healing."""
    begin, turn = max(0.0, fault - QUIET_SECONDS), max(0.0, heal - QUIET_SECONDS)
    return Seen(
        rate=rate,
        before=window(found, 0.0, begin),
        during=window(found, begin, turn),
        after=window(found, turn, found.elapsed + 1),
        timeline=[(step.at, step.ok, step.failed, step.p99) for step in found.timeline],
    )


def breaches(events: Sequence[Event], viewers: Mapping[str, Seen], bounds: Bounds) -> list[str]:
    """Return what was not as the drill's hypothesis says."""
    found = [f"{e.what}: not within {e.bound:g} s ({e.detail})" for e in events if e.bound and e.took is None]
    failed = sent = 0
    for region, each in viewers.items():
        failed += sum(window.failed for window in each.windows)
        sent += sum(window.sent for window in each.windows)
        if each.before.failed:
            found.append(f"viewers of {region}: {each.before.failed} requests failed before the fault")
        for name, part in (("the fault", each.during), ("the healing", each.after)):
            if part.errors > bounds.errorSeconds:
                within = f"{bounds.errorSeconds:g} s are allowed"
                found.append(f"viewers of {region}: errors for {part.errors:.1f} s after {name}; {within}")
        if not each.after.sent or not each.during.sent:
            found.append(f"viewers of {region}: nothing was asked while the fault stood, or after")
    if sent and failed / sent > bounds.failedShare:
        found.append(f"{failed} of {sent} requests failed; a share of {bounds.failedShare:g} is allowed")
    return found
