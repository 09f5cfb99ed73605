"""Reads parts of manifests that may be missing or of a wrong type (the schema says so; these checks go on)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from onair.core.gate.model import Body


def mapping(value: object) -> Body:
    """Return a mapping; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> Iterator[tuple[int, Body]]:
    """Iterate over the mappings of a list, with their positions."""
    if isinstance(value, list):
        yield from ((position, each) for position, each in enumerate(value) if isinstance(each, dict))


class Template(NamedTuple):
    """A pod template in an object.

    Attributes
    ----------
    path
        Where it stands.
    body
        The template: ``metadata`` and ``spec``.
    claims
        Names of volumes that its owner adds (``volumeClaimTemplates``).
    """

    path: tuple[str | int, ...]
    body: Body
    claims: frozenset[str] = frozenset()


_PLACES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Rollout"), ("spec", "template")),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "PodTemplate": ("template",),
    "Pod": (),
}


def template(body: Body) -> Template | None:
    """Return an object's pod template; None where it has none (a Rollout that refers to a Deployment)."""
    kind = str(body.get("kind"))
    path = _PLACES.get(kind)
    if path is None:
        return None
    found: Any = body
    for step in path:
        found = mapping(found).get(step)
    if not isinstance(found, dict):
        return None
    names = (
        mapping(claim.get("metadata")).get("name")
        for _, claim in mappings(mapping(body.get("spec")).get("volumeClaimTemplates"))
    )
    return Template(path, found, frozenset(str(name) for name in names))
