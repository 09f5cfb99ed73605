"""Fields that the API server refuses to change: such a change fails at each sync, in every cluster, for ever.

Sources: kubernetes/pkg/apis/{apps,batch,core,discovery,networking,node,rbac,scheduling,storage}/validation/
validation.go and apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go at v1.36.3; for custom
kinds the rule ``self == oldSelf`` in their own CustomResourceDefinition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from onair.core.change.compare import ObjectChange
from onair.core.change.sync import is_recreated
from onair.core.finding import Finding
from onair.core.gate.model import Body, Estate, Object

Keys = tuple[str, ...]
ASSIGNED = object()
"""Stands for a default that the API server chooses: without a value in git there is nothing to compare with."""


class Immutable(NamedTuple):
    """A field that stays as it was created.

    Attributes
    ----------
    path
        Where it is.
    default
        What an absent field means.
    unless
        Fields directly below ``path`` that may change.
    """

    path: Keys
    default: Any = None
    unless: frozenset[str] = frozenset()


ALL_BUT = Immutable
SELECTOR = (Immutable(("spec", "selector")),)
PAYLOAD = (Immutable(("data",)), Immutable(("binaryData",)), Immutable(("stringData",)), Immutable(("immutable",)))
SOURCES = ("local", "hostPath", "csi", "nfs", "iscsi", "fc", "awsElasticBlockStore", "cephfs", "rbd")
BY_KIND: dict[tuple[str, str], tuple[Immutable, ...]] = {
    ("apps", "Deployment"): SELECTOR,
    ("apps", "DaemonSet"): SELECTOR,
    ("apps", "ReplicaSet"): SELECTOR,
    ("apps", "StatefulSet"): (
        Immutable(("spec", "podManagementPolicy"), "OrderedReady"),
        ALL_BUT(
            ("spec",),
            unless=frozenset(
                {
                    "minReadySeconds",
                    "ordinals",
                    "persistentVolumeClaimRetentionPolicy",
                    "podManagementPolicy",
                    "replicas",
                    "revisionHistoryLimit",
                    "template",
                    "updateStrategy",
                }
            ),
        ),
    ),
    ("batch", "Job"): (
        *(Immutable(("spec", key)) for key in ("template", "podFailurePolicy", "successPolicy", "managedBy")),
        Immutable(("spec", "selector"), ASSIGNED),
        Immutable(("spec", "backoffLimitPerIndex")),
        Immutable(("spec", "completionMode"), "NonIndexed"),
    ),
    ("", "Service"): (
        Immutable(("spec", "clusterIP"), ASSIGNED),
        Immutable(("spec", "healthCheckNodePort"), ASSIGNED),
        Immutable(("spec", "loadBalancerClass"), ASSIGNED),
    ),
    ("", "PersistentVolumeClaim"): (
        Immutable(("spec", "volumeName"), ASSIGNED),
        Immutable(("spec", "storageClassName"), ASSIGNED),
        Immutable(("spec", "volumeMode"), "Filesystem"),
        ALL_BUT(
            ("spec",),
            unless=frozenset(
                {"resources", "storageClassName", "volumeAttributesClassName", "volumeMode", "volumeName"}
            ),
        ),
    ),
    ("", "PersistentVolume"): (
        *(Immutable(("spec", source)) for source in SOURCES),
        Immutable(("spec", "volumeMode"), "Filesystem"),
    ),
    ("", "Secret"): (Immutable(("type",), "Opaque"),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (Immutable(("roleRef",)),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (Immutable(("roleRef",)),),
    ("storage.k8s.io", "StorageClass"): (
        Immutable(("provisioner",)),
        Immutable(("parameters",)),
        Immutable(("reclaimPolicy",), "Delete"),
        Immutable(("volumeBindingMode",), "Immediate"),
    ),
    ("scheduling.k8s.io", "PriorityClass"): (
        Immutable(("value",)),
        Immutable(("preemptionPolicy",), "PreemptLowerPriority"),
    ),
    ("networking.k8s.io", "IngressClass"): (Immutable(("spec", "controller")),),
    ("node.k8s.io", "RuntimeClass"): (Immutable(("handler",)),),
    ("discovery.k8s.io", "EndpointSlice"): (Immutable(("addressType",)),),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        Immutable(("spec", "group")),
        Immutable(("spec", "scope")),
        Immutable(("spec", "names", "plural")),
        Immutable(("spec", "names", "kind")),
    ),
}
UNCHANGED = re.compile(r"\s*(self\s*==\s*oldSelf|oldSelf\s*==\s*self)\s*")
QUANTITY = re.compile(r"([0-9.]+)([KMGTPE]i?|k|m)?")
FACTORS = {"": 1.0, "m": 1e-3, "k": 1e3} | {f"{unit}": 1000.0**n for n, unit in enumerate("KMGTPE", 1)}
FACTORS |= {f"{unit}i": 1024.0**n for n, unit in enumerate("KMGTPE", 1)}


def custom(definitions: Iterable[Object]) -> dict[tuple[str, str], tuple[Immutable, ...]]:
    """Return the immutable fields of custom kinds, as their definitions state them.

    Parameters
    ----------
    definitions
        CustomResourceDefinitions; other objects are passed over.
    """
    found: dict[tuple[str, str], set[Keys]] = {}
    for each in definitions:
        if each.kind != "CustomResourceDefinition":
            continue
        kind = _defines(each)
        for version in each.get("spec", "versions") or ():
            schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
            found.setdefault(kind, set()).update(_unchanging(schema, ()))
    return {kind: tuple(Immutable(path) for path in sorted(paths)) for kind, paths in found.items() if paths}


def _defines(definition: Object) -> tuple[str, str]:
    """Return the group and the kind that a definition defines."""
    return str(definition.get("spec", "group") or ""), str(definition.get("spec", "names", "kind") or "")


def _unchanging(schema: Body, path: Keys) -> Iterator[Keys]:
    """Iterate over the properties with a rule of the API server's that forbids every change."""
    rules = schema.get("x-kubernetes-validations") or ()
    if path and any(UNCHANGED.fullmatch(str(rule.get("rule", ""))) for rule in rules):
        yield path
    for name, inner in (schema.get("properties") or {}).items():
        yield from _unchanging(inner, (*path, name))


def refused(estate: Estate, changes: Iterable[ObjectChange]) -> list[Finding]:
    """Return the changes that the API server would refuse.

    Parameters
    ----------
    estate
        The repository as it would be; its CustomResourceDefinitions tell of custom kinds.
    """
    candidates = [each for each in changes if each.before and each.after and each.fields]
    if not candidates:
        return []
    kinds = {(each.identity.group, each.identity.kind) for each in candidates}
    definitions = (each for each in estate.of("CustomResourceDefinition") if _defines(each) in kinds)
    known: Mapping[tuple[str, str], tuple[Immutable, ...]] = BY_KIND | custom(map(estate.whole, definitions))
    findings = []
    for change in candidates:
        if change.before is None or change.after is None or is_recreated(change.after):
            continue
        if change.before.identity != change.after.identity:  # generated: the old one stays as it is until pruned
            continue
        for path, old, new in _broken(change.before, change.after, known):
            findings.append(_finding(estate, change.after, path, old, new))
    return findings


def _broken(old: Object, new: Object, known: Mapping[tuple[str, str], tuple[Immutable, ...]]) -> Iterator[Any]:
    rules = known.get((new.identity.group, new.kind), ())
    if new.kind in ("Secret", "ConfigMap") and not new.identity.group and old.get("immutable") is True:
        rules = (*rules, *PAYLOAD)
    if new.kind == "Service" and "ExternalName" in (old.get("spec", "type"), new.get("spec", "type")):
        rules = ()  # becoming, or having been, a mere name frees the addresses
    for rule in rules:
        yield from _differing(rule, old, new)
    if new.kind == "PersistentVolumeClaim":
        path = ("spec", "resources", "requests", "storage")
        left, right = old.get(*path), new.get(*path)
        if left is not None and right is not None and _bytes(right) < _bytes(left):
            yield path, left, right


def _differing(rule: Immutable, old: Object, new: Object) -> Iterator[tuple[Keys, Any, Any]]:
    left, right = old.get(*rule.path), new.get(*rule.path)
    if rule.unless:
        left, right = left or {}, right or {}
        for key in sorted((left.keys() | right.keys()) - rule.unless):
            if left.get(key) != right.get(key):
                yield (*rule.path, key), left.get(key), right.get(key)
        return
    if rule.default is ASSIGNED:
        if left is not None and right is not None and left != right:
            yield rule.path, left, right
        return
    left = rule.default if left is None else left
    right = rule.default if right is None else right
    if left != right:
        yield rule.path, left, right


def _finding(estate: Estate, found: Object, path: Keys, old: Any, new: Any) -> Finding:  # noqa: ANN401
    scalar = not isinstance(old, dict | list) and not isinstance(new, dict | list) and found.kind != "Secret"
    values = f" ({old!r} → {new!r})" if scalar else ""
    return estate.finding(
        "change/immutable",
        found,
        f"{'.'.join(path)} is changed{values}",
        at=path,
        why="the API server refuses to change it on an object that exists, so that every sync of the Application fails",
        mend="keep the value, or give the object a new name (the old one is pruned); where an interruption is fine, "
        "annotate it with argocd.argoproj.io/sync-options: Force=true,Replace=true, which deletes and creates it",
    )


def _bytes(quantity: Any) -> float:  # noqa: ANN401
    """Return a storage quantity in bytes; 0 where it is none (the schema's finding)."""
    match = QUANTITY.fullmatch(str(quantity))
    return float(match[1]) * FACTORS[match[2] or ""] if match else 0.0
