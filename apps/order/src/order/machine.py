"""States of an order and what each change does to its hold: decisions only, no I/O."""

from __future__ import annotations

from typing import Literal

State = Literal["paying", "paid", "declined", "cancelled", "refunded"]
Outcome = Literal["charged", "declined"]
HoldState = Literal["held", "ordered", "sold", "released", "expired"]

CHANGES: dict[State, frozenset[State]] = {
    "paying": frozenset({"paid", "declined", "cancelled"}),
    "paid": frozenset({"refunded"}),
    "declined": frozenset(),
    # The provider's word came after the order had been given up: the money goes back, the stock is somebody else's.
    "cancelled": frozenset({"refunded"}),
    "refunded": frozenset(),
}


def after(state: State, outcome: Outcome) -> State | None:
    """Return the state that the provider's word leads to; None when it changes nothing (told again, or told late).

    >>> after("paying", "charged"), after("paid", "charged"), after("cancelled", "charged")
    ('paid', None, 'refunded')
    """
    if state == "paying":
        return "paid" if outcome == "charged" else "declined"
    if state == "cancelled" and outcome == "charged":
        return "refunded"
    return None


def hold_after(before: State, state: State) -> HoldState | None:
    """Return what becomes of the hold when an order changes; None when it stays as it is."""
    if before != "paying":
        return None
    return "sold" if state == "paid" else "released"
