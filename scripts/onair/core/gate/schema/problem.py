"""One thing that is wrong with one object, before it is known where that stands in git."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from onair.core.gate.model import Path

LONGEST_VALUE = 80
"""Characters of a value that a message repeats."""


class Problem(NamedTuple):
    """What is wrong, where in the object, by which rule, and how to mend it."""

    path: Path
    rule: str
    what: str
    mend: str


def dotted(path: Path) -> str:
    """Return a path as people write it: ``spec.ports[0].port``."""
    text = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" if _plain(step) else f'["{step}"]' for step in path
    )
    return text.removeprefix(".") or "the object"


def _plain(step: str) -> bool:
    return step.replace("-", "").replace("_", "").replace("$", "").isalnum()


def shown(value: object) -> str:
    """Return a value as YAML would show it, cut to a readable length."""
    if value is None:
        return "empty (null)"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that ``word`` was probably meant to be; empty if none is near."""
    words = list(known)
    same = [each for each in words if each.lower() == word.lower()]
    return (same or get_close_matches(word, words, n=1, cutoff=0.6) or [""])[0]
