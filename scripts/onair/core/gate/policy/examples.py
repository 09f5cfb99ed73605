"""Examples of policies: each says only what matters, on top of a complete object of its kind.

A document of ``policies/<name>/pass.yaml`` and ``fail.yaml`` is merged into ``policies/examples/<kind>.yaml``; one of
kind PodTemplate stands for every kind that has a pod template and that the policy sees. The Deployment's template is
the base of all templates.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeGuard

from onair.core.gate.model import Body

ANY_TEMPLATE = "PodTemplate"
TEMPLATE_PATHS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Rollout": ("spec", "template"),
}


def overlay(base: object, patch: object) -> Any:  # noqa: ANN401 - whatever stands in YAML
    """Merge ``patch`` into a copy of ``base``: None removes a key, lists of named things are merged by name."""
    if isinstance(patch, dict):
        kept = base if isinstance(base, dict) else {}
        made = {key: deepcopy(value) for key, value in kept.items() if key not in patch}
        return made | {key: overlay(kept.get(key), value) for key, value in patch.items() if value is not None}
    if _named(base) and _named(patch):
        patches = {each["name"]: each for each in patch}
        names = {each["name"] for each in base}
        merged = [overlay(each, patches.get(each["name"], {})) for each in base]
        return merged + [deepcopy(each) for each in patch if each["name"] not in names]
    return deepcopy(patch)


def complete(example: Body, bases: Mapping[str, Body], seen: Collection[str]) -> Iterator[Body]:
    """Return the whole objects that an example stands for.

    Parameters
    ----------
    bases
        A complete object of each kind, by kind.
    seen
        The kinds that the policy is about.
    """
    if example["kind"] != ANY_TEMPLATE:
        yield overlay(_base(str(example["kind"]), bases), example)
        return
    said = {"metadata": example.get("metadata") or {}}
    for kind, path in TEMPLATE_PATHS.items():
        if kind in seen:
            yield overlay(_templated(kind, bases), said | _at(path, example["template"]))


def _base(kind: str, bases: Mapping[str, Body]) -> Body:
    return bases[kind] if kind == "Rollout" or kind not in TEMPLATE_PATHS else _templated(kind, bases)


def _templated(kind: str, bases: Mapping[str, Body]) -> Body:
    template = bases["Deployment"]["spec"]["template"]
    made: Body = overlay(_at(TEMPLATE_PATHS[kind], template), bases[kind])
    return made


def _at(path: tuple[str, ...], template: Body) -> Body:
    for step in reversed(path):
        template = {step: template}
    return template


def _named(items: object) -> TypeGuard[list[Body]]:
    return isinstance(items, list) and bool(items) and all(isinstance(each, dict) and "name" in each for each in items)
