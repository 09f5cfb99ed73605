"""Kind to resource, as the API server's paths and policies name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onair.core.gate.model import Object

_IRREGULAR = {"Endpoints": "endpoints"}


def resource(kind: str) -> str:
    """Return the resource of a built-in kind, by the API conventions' plural, e.g. ``networkpolicies``."""
    lower = kind.lower()
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    if lower.endswith(("s", "x", "ch")):
        return f"{lower}es"
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return f"{lower[:-1]}ies"
    return f"{lower}s"


def defined(objects: Iterable[Object]) -> Mapping[tuple[str, str], str]:
    """Return the resources that CustomResourceDefinitions define, by group and kind."""
    found = {}
    for each in objects:
        if each.kind == "CustomResourceDefinition":
            names = each.get("spec", "names") or {}
            found[str(each.get("spec", "group")), str(names.get("kind"))] = str(names.get("plural"))
    return found
