"""What sellers did, as far as this process knows. Pure: events come in, states and cues go out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from live.programme import Show, Slot, Turn, slot_after

Kind = Literal["start", "end", "pin", "unpin", "sale-open", "sale-close"]
TURNS = frozenset({"start", "end"})
KEPT_A_SHOW = 1000
"""Events in memory; a seller has some hundred a show."""


class Gap(Exception):
    """Events are missing between what is known and what came."""


class Conflict(Exception):
    """The show's state does not allow this now.

    Parameters
    ----------
    code : str
        Why: one of `live.words.WORDS` with status 409.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Draft:
    """What a seller wants to happen.

    Attributes
    ----------
    at : datetime
        Media time: the instant of the picture that it belongs to.
    by : str
        The seller's id.
    via : str
        Region that the request came to.
    """

    id: str
    show: str
    kind: Kind
    at: datetime
    made: datetime
    by: str
    via: str
    product: str | None = None
    sku: str | None = None
    sale: str | None = None


@dataclass(frozen=True)
class Event(Draft):
    """What happened: `seq` is dense among the events of the home region `home`."""

    home: str = ""
    seq: int = 0

    def public(self) -> dict[str, Any]:
        """Return what viewers may know of it."""
        told = {"id": self.id, "seq": self.seq, "kind": self.kind, "at": instant(self.at)}
        return told | {k: v for k in ("product", "sku", "sale") if (v := getattr(self, k)) is not None}


def instant(at: datetime) -> str:
    """Return an instant in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_peer(draft: Draft) -> dict[str, Any]:
    """Return a draft or event for the other region, as JSON."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in vars(draft).items()}


def from_peer(raw: dict[str, Any], form: type[Draft] = Event) -> Any:  # noqa: ANN401  of the type asked for
    """Read what `to_peer` wrote.

    Raises
    ------
    ValueError
        When it is something else.
    """
    try:
        instants = {name: datetime.fromisoformat(raw[name]) for name in ("at", "made")}
        return form(**(raw | instants))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no {form.__name__} of a peer: {error!r}") from error


class Journal:
    """The latest events of every show, and how far each home region is known."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self._shows: dict[str, deque[Event]] = {}

    def begin(self, known: dict[str, int], events: Iterable[Event]) -> None:
        """Start from what the database holds."""
        self._shows.clear()
        for event in events:
            self._keep(event)
        self.known = dict(known)

    def add(self, events: Iterable[Event]) -> int:
        """Take events of one home region in order; those known already are passed over. Returns how many were new.

        Raises
        ------
        Gap
            When some are missing; what came before the gap is kept.
        """
        new = 0
        for event in events:
            known = self.known.get(event.home, 0)
            if event.seq <= known:
                continue
            if event.seq != known + 1:
                raise Gap(f"{event.home}: {event.seq} after {known}")
            self._keep(event)
            self.known[event.home] = event.seq
            new += 1
        return new

    def _keep(self, event: Event) -> None:
        self._shows.setdefault(event.show, deque(maxlen=KEPT_A_SHOW)).append(event)

    def after(self, show: str, seq: int) -> list[Event]:
        """Return a show's events after `seq`, in order."""
        return [event for event in self._shows.get(show, ()) if event.seq > seq]

    def last(self, show: str) -> int:
        """Return the sequence number of a show's newest event, 0 when there is none."""
        events = self._shows.get(show)
        return events[-1].seq if events else 0

    def standing(self, show: Show, now: datetime) -> Slot:
        """Return a show's state at an instant: the programme's, unless a seller started or ended it."""
        turns = (e for e in reversed(self._shows.get(show.id, ())) if e.kind in TURNS)
        return slot_after(show, turn_of(next(turns, None)), now)

    def cues(self, show: Show, now: datetime) -> list[Event]:
        """Return the cues of the run that is on air, in order; none when the show is not."""
        run = self.standing(show, now)
        if run.status != "on-air":
            return []
        return [e for e in self._shows.get(show.id, ()) if e.kind not in TURNS and e.at >= run.start]


def turn_of(event: Event | None) -> Turn | None:
    """Return a start or end as the programme sees it."""
    return Turn(cast(Literal["start", "end"], event.kind), event.at) if event else None


def current_sale(cues: Iterable[Event]) -> dict[str, Any] | None:
    """Return the sale that was opened last and not closed since."""
    opened: dict[str, Event] = {}
    for cue in cues:
        if cue.kind == "sale-open" and cue.sale:
            opened.pop(cue.sale, None)
            opened[cue.sale] = cue
        elif cue.kind == "sale-close" and cue.sale:
            opened.pop(cue.sale, None)
    if not opened:
        return None
    last = list(opened.values())[-1].public()
    return {k: last[k] for k in ("sale", "product", "sku", "at") if k in last}


def judge(draft: Draft, show: Show, last: Turn | None) -> None:
    """Say whether a show's state allows what a seller wants.

    Raises
    ------
    Conflict
        When it does not.
    """
    # A cue belongs to a picture that was on air; turns are judged now. A moment's grace for the start it follows.
    run = slot_after(
        show, last, draft.made if draft.kind in TURNS else max(draft.at, draft.made - timedelta(seconds=1))
    )
    if draft.kind == "start" and run.status == "on-air":
        raise Conflict("on-air")
    if draft.kind != "start" and run.status != "on-air":
        raise Conflict("not-on-air")
