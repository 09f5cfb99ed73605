"""Rollback: which digest a leaf goes back to, by its own history."""

from __future__ import annotations

from collections.abc import Sequence

from onair.core.change.promotion import Held
from onair.core.finding import Finding, OnairError
from onair.core.leaf import Leaf

SHOWN = 5


def earlier(leaf: Leaf, past: Sequence[Held], wanted: str = "") -> Held:
    """Return what ``leaf`` held and goes back to.

    Parameters
    ----------
    past
        What it pinned, oldest first; the last one is what it pins now.
    wanted
        The first digits of a digest that it has held, with or without ``sha256:``. Without, what it held before the
        present one: a digest that it went back from does not count, or a second rollback would bring the fault again.

    Raises
    ------
    OnairError
        If it has held nothing else, or not exactly one digest that begins so.
    """
    current = past[-1].digest if past else None
    if not wanted:
        line = _line(past)
        if len(line) < 2:
            what = f"{leaf.cluster} has held no image of {leaf.service} before this one, but what it went back from"
            raise OnairError(_finding(leaf, "nothing", what, past, current))
        return line[-2]
    start = f"sha256:{wanted.removeprefix('sha256:')}"
    found = {held.digest: held for held in past if held.digest and held.digest.startswith(start)}
    if len(found) != 1 or current in found:
        many = f"more than one digest of {leaf.service} that begins with {wanted}"
        none = f"no digest of {leaf.service} that begins with {wanted}"
        what = f"{leaf.cluster} has held {many if len(found) > 1 else none}"
        if len(found) == 1:
            what = f"{leaf.cluster} holds {wanted} of {leaf.service} now"
        raise OnairError(_finding(leaf, "unknown", what, past, current))
    (one,) = found.values()
    return one


def _line(past: Sequence[Held]) -> list[Held]:
    """Return the digests that lead to the present one, without those that the leaf went back from."""
    line: list[Held] = []
    for held in past:
        if held.digest is None:  # no leaf, or none with one digest: nothing to go back to
            line.clear()
            continue
        known = [each.digest for each in line]
        if held.digest in known:
            del line[known.index(held.digest) :]
        line.append(held)
    return line


def _finding(leaf: Leaf, rule: str, what: str, past: Sequence[Held], current: str | None) -> Finding:
    others = {held.digest: held.since for held in past if held.digest and held.digest != current}
    last = [f"{digest} since {since.isoformat(timespec='minutes')}" for digest, since in list(others.items())[-SHOWN:]]
    mend = "name one with --image: " + ", ".join(last) if last else "release another image"
    return Finding(rule=f"rollback/{rule}", file=leaf.path, what=what, mend=mend)
