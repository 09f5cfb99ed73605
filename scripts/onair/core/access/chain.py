"""A log that cannot be changed unseen: each line carries the hash of all before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

START = "0" * 64


def link(before: str, record: dict[str, Any]) -> tuple[str, str]:
    """Return the line for ``record`` after the line whose hash is ``before``, and the new line's hash."""
    body = json.dumps(record, ensure_ascii=False, sort_keys=True)
    seal = hashlib.sha256(f"{before}{body}".encode()).hexdigest()
    return json.dumps({"seal": seal, "record": record}, ensure_ascii=False, sort_keys=True), seal


def broken(lines: Iterable[str], before: str = START) -> int | None:
    """Return the number of the first line that was changed, or moved, or whose predecessor was; None when all fit."""
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            seal = link(before, found["record"])[1]
        except (ValueError, KeyError, TypeError):
            return number
        if found["seal"] != seal:
            return number
        before = seal
    return None
