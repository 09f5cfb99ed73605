"""Something that looks like a secret, as the scanner tells of it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

ALLOWED = "clusters/platform/allowed-secrets.yaml"
"""What looks like a secret and was judged to be none."""
HASH_DIGITS = 16
"""Enough to name a value; a whole hash of a weak password would let anyone who reads it try guesses with certainty."""


class Hit(NamedTuple):
    """Something that looks like a secret; the value itself goes no further than the scanner.

    Attributes
    ----------
    file, line
        Where it is.
    kind
        What it looks like, e.g. ``AWS Access Key``.
    hash
        What the allow-list knows it by (`hash_of`).
    commit
        The commit that added it, where it is not in the tree (any longer).
    """

    file: str
    line: int
    kind: str
    hash: str
    commit: str = ""


def hash_of(value: str) -> str:
    """Return what the allow-list calls a value."""
    return hashlib.sha256(value.encode()).hexdigest()[:HASH_DIGITS]
