"""Lists whose items are told apart by keys (``x-kubernetes-list-map-keys``): an item twice is refused by the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from onair.core.gate.model import Path
from onair.core.gate.schema.problem import Problem, dotted, shown

if TYPE_CHECKING:
    from onair.core.gate.schema.strict import Schema

Tree = dict[str, Any]
"""``keys`` of the list at this place, their ``defaults``; the trees below are ``properties``, ``items``, ``rest``."""
_DEFAULTS = {"protocol": "TCP"}  # of ports; the published schemas do not say it everywhere


def tree(schema: Schema) -> Tree | None:
    """Return where in such objects keyed lists are; None where there are none."""
    return _tree(schema, schema.get("$defs", {}), frozenset())


def _tree(node: object, definitions: Schema, above: frozenset[str]) -> Tree | None:
    if not isinstance(node, dict):
        return None
    found: Tree = {}
    reference = str(node.get("$ref", "")).removeprefix("#/$defs/")
    if reference:
        if reference in above:  # a definition inside of itself (JSONSchemaProps) holds no keyed lists
            return None
        found = _tree(definitions.get(reference), definitions, above | {reference}) or {}
    for part in node.get("allOf", ()):
        found |= _tree(part, definitions, above) or {}
    if keys := node.get("x-kubernetes-list-map-keys"):
        items = _target(node.get("items", {}), definitions)
        found["keys"] = keys
        found["defaults"] = [
            items.get("properties", {}).get(key, {}).get("default", _DEFAULTS.get(key, "")) for key in keys
        ]
    below = {key: _tree(value, definitions, above) for key, value in node.get("properties", {}).items()}
    if below := {key: value for key, value in below.items() if value}:
        found["properties"] = found.get("properties", {}) | below
    for key, name in (("items", "items"), ("additionalProperties", "rest")):
        if inner := _tree(node.get(key), definitions, above):
            found[name] = inner
    return found or None


def _target(node: Schema, definitions: Schema) -> Schema:
    reference = str(node.get("$ref", "")).removeprefix("#/$defs/")
    return definitions.get(reference, {}) if reference else node


def doubles(found: Tree, value: object, path: Path = ()) -> Iterator[Problem]:
    """Find items that stand twice in one list."""
    if isinstance(value, dict):
        below = found.get("properties", {})
        for key in below.keys() & value.keys():
            yield from doubles(below[key], value[key], (*path, key))
        if rest := found.get("rest"):
            for key, each in value.items():
                if key not in below:
                    yield from doubles(rest, each, (*path, key))
    elif isinstance(value, list):
        if "keys" in found and len(value) > 1:
            yield from _repeated(found, value, path)
        if items := found.get("items"):
            for position, each in enumerate(value):
                yield from doubles(items, each, (*path, position))


def _repeated(found: Tree, items: list[Any], path: Path) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        values = [item.get(key, default) for key, default in zip(found["keys"], found["defaults"], strict=True)]
        first = seen.setdefault(repr(values), position)
        if first != position:
            said = ", ".join(f"{key} {shown(one)}" for key, one in zip(found["keys"], values, strict=True))
            what = f"{dotted((*path, position))} repeats {said} of item {first}"
            yield Problem((*path, position), "schema/duplicate", what, "keep one, or give it another name")
