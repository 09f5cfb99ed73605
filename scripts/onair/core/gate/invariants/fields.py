"""Walks manifests by paths with ``*`` for every entry of a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Place = tuple[str | int, ...]


def values(found: object, path: tuple[str, ...], at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Find everything at ``path`` below ``found``, with the place of each."""
    if not path:
        if found is not None:
            yield at, found
    elif path[0] == "*":
        for i, each in enumerate(found if isinstance(found, list) else ()):
            yield from values(each, path[1:], (*at, i))
    elif isinstance(found, dict) and path[0] in found:
        yield from values(found[path[0]], path[1:], (*at, path[0]))


def mapping(found: object) -> dict[str, Any]:
    """Return a mapping; an empty one for anything else, which is the schema's to refuse."""
    return found if isinstance(found, dict) else {}


def texts(found: object) -> list[str]:
    """Return the texts of a list; what else stands in it is the schema's to refuse."""
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def mappings(found: object) -> list[dict[str, Any]]:
    """Return the mappings of a list; what else stands in it is the schema's to refuse."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
