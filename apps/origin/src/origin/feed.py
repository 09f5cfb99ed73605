"""What one origin tells the other: which channels have a publication here, and the parts of its newest slots."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from origin.channel import Channel

SLOTS = 4
_IDENT = re.compile(r"[0-9a-f]{8,32}\Z")
_MAX_PARTS = 64


class FeedError(ValueError):
    """An answer is no feed."""


@dataclass(frozen=True)
class RemoteSlot:
    """A slot there: its start, and of each part the duration and whether it begins with a key frame."""

    number: int
    start: float
    parts: list[tuple[float, bool]]


@dataclass(frozen=True)
class RemoteRun:
    """A publication there."""

    ident: str
    region: str
    started: float
    discontinuity: int
    open: bool
    slots: list[RemoteSlot]

    @property
    def order(self) -> tuple[float, str]:
        """By which of two publications the one that counts is found: the greater."""
        return self.started, self.region


def describe(channels: Iterable[Channel], region: str) -> dict[str, Any]:
    """Return, by channel, the newest run that is published in this region."""
    own = {c.name: c.runs[-1] for c in channels if c.runs and c.runs[-1].region == region}
    return {
        name: {
            "id": run.ident,
            "started": run.started,
            "discontinuity": run.discontinuity,
            "open": run.open,
            "slots": [
                {"number": s.number, "start": s.start, "parts": [[p.duration, p.independent] for p in s.parts]}
                for s in list(run.slots)[-SLOTS:]
            ],
        }
        for name, run in own.items()
    }


def read(answer: object, region: str) -> dict[str, RemoteRun]:
    """Return the runs of another region by channel.

    Raises
    ------
    FeedError
        When the answer is of another form.
    """
    try:
        return {str(name): _run(run, region) for name, run in dict(answer).items()}  # type: ignore[call-overload]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise FeedError(f"not a feed: {error!r}") from error


def _run(given: dict[str, Any], region: str) -> RemoteRun:
    ident = str(given["id"])
    if not _IDENT.match(ident):
        raise ValueError("an id of another form")
    slots = [_slot(slot) for slot in given["slots"][:SLOTS]]
    if not slots:
        raise ValueError("a run without a slot")
    return RemoteRun(ident, region, float(given["started"]), int(given["discontinuity"]), given["open"] is True, slots)


def _slot(given: dict[str, Any]) -> RemoteSlot:
    parts = [(float(duration), independent is True) for duration, independent in given["parts"][:_MAX_PARTS]]
    if not parts or not all(0 < duration < 30 for duration, _ in parts):
        raise ValueError("a slot without parts of sensible length")
    return RemoteSlot(int(given["number"]), float(given["start"]), parts)
