"""What a pod needs by name before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from onair.core.gate.invariants.fields import mappings
from onair.core.gate.invariants.index import Pods, index
from onair.core.gate.model import Estate, Path

Found = Mapping[str, Any]
_KEY = "_pod_references"


class PodReference(NamedTuple):
    """A thing that a pod names.

    Attributes
    ----------
    keys
        Keys that it must have; empty where the whole is meant.
    at
        Path from the root of the pods' owner.
    optional
        The pod starts without it.
    """

    kind: str
    name: str
    keys: tuple[str, ...]
    at: Path
    optional: bool


def all_references(estate: Estate) -> list[tuple[Pods, PodReference]]:
    """Return what all pods name; found once an estate (kept in it, as ``cached_property`` does)."""
    if _KEY not in estate.__dict__:
        estate.__dict__[_KEY] = [(pods, named) for pods in index(estate).pods for named in references(pods)]
    found: list[tuple[Pods, PodReference]] = estate.__dict__[_KEY]
    return found


def references(pods: Pods) -> Iterator[PodReference]:
    """Find the accounts, classes, claims, ConfigMaps and Secrets that ``pods`` name."""
    spec, root = pods.spec, (*pods.at, "spec")
    for field, kind in (
        ("serviceAccountName", "ServiceAccount"),
        ("priorityClassName", "PriorityClass"),
        ("runtimeClassName", "RuntimeClass"),
    ):
        if isinstance(spec.get(field), str) and spec[field]:
            yield PodReference(kind, spec[field], (), (*root, field), False)
    for i, each in enumerate(mappings(spec.get("imagePullSecrets"))):
        yield PodReference("Secret", str(each.get("name")), (), (*root, "imagePullSecrets", i), False)
    for i, volume in enumerate(mappings(spec.get("volumes"))):
        yield from _volume(volume, (*root, "volumes", i))
    for field, i, container in pods.containers:
        yield from _environment(container, (*root, field, i))


def _volume(volume: Found, at: tuple[str | int, ...]) -> Iterator[PodReference]:
    if isinstance(claim := volume.get("persistentVolumeClaim"), dict):
        name = str(claim.get("claimName"))
        yield PodReference("PersistentVolumeClaim", name, (), (*at, "persistentVolumeClaim"), False)
    if isinstance(secret := volume.get("secret"), dict):
        yield _file(secret, "Secret", "secretName", (*at, "secret"))
    if isinstance(config := volume.get("configMap"), dict):
        yield _file(config, "ConfigMap", "name", (*at, "configMap"))
    projected = volume.get("projected")
    for i, source in enumerate(mappings(projected.get("sources")) if isinstance(projected, dict) else ()):
        for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            if isinstance(found := source.get(field), dict):
                yield _file(found, kind, "name", (*at, "projected", "sources", i, field))
    csi = volume.get("csi")
    if isinstance(csi, dict) and isinstance(found := csi.get("nodePublishSecretRef"), dict):
        yield _file(found, "Secret", "name", (*at, "csi", "nodePublishSecretRef"))


def _file(found: Found, kind: str, field: str, at: Path) -> PodReference:
    keys = tuple(str(item.get("key")) for item in mappings(found.get("items")))
    return PodReference(kind, str(found.get(field)), keys, at, found.get("optional") is True)


def _environment(container: Found, at: tuple[str | int, ...]) -> Iterator[PodReference]:
    for i, entry in enumerate(mappings(container.get("env"))):
        source = entry.get("valueFrom")
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            found = source.get(field) if isinstance(source, dict) else None
            if isinstance(found, dict):
                place = (*at, "env", i, "valueFrom", field)
                keys = (str(found.get("key")),)
                yield PodReference(kind, str(found.get("name")), keys, place, found.get("optional") is True)
    for i, entry in enumerate(mappings(container.get("envFrom"))):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if isinstance(found := entry.get(field), dict):
                place = (*at, "envFrom", i, field)
                yield PodReference(kind, str(found.get("name")), (), place, found.get("optional") is True)
