"""Secrets in the clouds: AWS Secrets Manager's, got by a SecretProviderClass of the same name while a pod mounts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from onair.core.cloud.names import ONCE
from onair.core.cloud.outputs import PROD
from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings
from onair.core.gate.invariants.index import Pods, index
from onair.core.gate.invariants.pod_references import all_references
from onair.core.gate.invariants.secrets import DECLARATIONS, Key, declarations
from onair.core.gate.model import Body, Estate, Object, Rule
from onair.core.gate.naming import convention
from onair.core.yaml_loader import LOADER

KIND, DRIVER = "SecretProviderClass", "secrets-store.csi.k8s.io"


def provided(estate: Estate) -> Iterator[Finding]:
    """Find declared Secrets that no class provides, and classes that provide something else than is declared."""
    declared = _declared(estate)
    for cluster in estate.clusters_of(PROD):
        classes = {(each.namespace, each.name): each for each in index(estate).of(KIND) if each.cluster == cluster}
        for namespace, name in declared.keys() - classes.keys():
            what = f"{cluster} has no {KIND} {namespace}/{name}, so nothing makes the declared Secret"
            mend = f"add it to infrastructure/secrets/base, or correct {DECLARATIONS}"
            yield Finding(rule="secret/provided", what=what, why=PROVIDED.why, mend=mend, file=DECLARATIONS)
        for key, found in classes.items():
            if key not in declared:
                what = f"{DECLARATIONS} declares no such Secret for {cluster}"
                yield _wrong(estate, found, what, "remove it, or declare the Secret", "metadata", "name")
                continue
            for field, has, wants in _compared(estate, found, declared[key]):
                yield _wrong(estate, found, f"{field}: {has}, not {wants}", f"write {wants}", "spec")


def mounted(estate: Estate) -> Iterator[Finding]:
    """Find pods that name a Secret which a class provides, and do not mount the class."""
    for pods, named in all_references(estate):
        of_class = named.kind == "Secret" and index(estate).find(pods.owner.cluster, KIND, pods.namespace, named.name)
        if of_class and named.name not in _mounts(pods):
            what = f"names Secret {named.name}, and no container mounts its {KIND}"
            mend = f"mount it (apps/components/env-prod): csi, driver {DRIVER}, secretProviderClass: {named.name}"
            yield estate.finding("secret/mounted", pods.owner, what, at=named.at, why=MOUNTED.why, mend=mend)


def _declared(estate: Estate) -> dict[Key, Body]:
    """Return the Secrets to provide; a certificate is an authority's, and what others write to exists already."""
    return {
        secret: entry
        for secret, entry in declarations(estate, PROD).items()
        if not entry.get("certificate") and not entry.get("merge")
    }


def _compared(estate: Estate, found: Object, declared: Body) -> Iterator[tuple[str, str, str]]:
    """Iterate over what differs: the field, what it says, what it should say."""
    keys = mapping(declared.get("keys"))
    shared = any(mapping(each).get("shared") for each in keys.values())
    facts = estate.clusters[found.cluster]
    rule = convention(estate.platform, {**facts, "region": ONCE} if shared else facts)
    objects = _objects(found)
    paths = {str(path.get("objectAlias")): str(path.get("path")) for path in mappings(objects.get("jmesPath"))}
    targets = mappings(found.get("spec", "secretObjects"))
    (target,) = targets if len(targets) == 1 else ({},)
    data = {str(each.get("key")): str(each.get("objectName")) for each in mappings(target.get("data"))}
    same = {str(key): str(key) for key in keys}
    for field, has, wants in (
        ("provider", found.get("spec", "provider"), "aws"),
        ("usePodIdentity", found.get("spec", "parameters", "usePodIdentity"), "true"),
        ("objectName", objects.get("objectName"), rule.name(f"{found.namespace}-{found.name}")),
        ("secretName", target.get("secretName"), found.name),
        ("type", target.get("type"), str(declared.get("type", "Opaque"))),
        ("keys of jmesPath", paths, same),
        ("keys of secretObjects", data, same),
    ):
        if has != wants:
            yield field, _told(has), _told(wants)


def _objects(found: Object) -> Body:
    """Return the one entry of ``parameters.objects``, which is YAML in a text; an empty one where it is not that."""
    try:
        entries = yaml.load(str(found.get("spec", "parameters", "objects")), Loader=LOADER)  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        return {}
    return mapping(entries[0]) if isinstance(entries, list) and len(entries) == 1 else {}


def _mounts(pods: Pods) -> set[str]:
    """Return the names of the classes that a container mounts: the kubelet passes over volumes that none does."""
    used = {
        str(each.get("name")) for _, _, container in pods.containers for each in mappings(container.get("volumeMounts"))
    }
    sources = ((each, mapping(each.get("csi"))) for each in mappings(pods.spec.get("volumes")))
    return {
        str(mapping(csi.get("volumeAttributes")).get("secretProviderClass"))
        for volume, csi in sources
        if csi.get("driver") == DRIVER and volume.get("name") in used
    }


def _told(value: Any) -> str:  # noqa: ANN401 - whatever stands there
    return ", ".join(sorted(value)) or "none" if isinstance(value, dict) else str(value)


def _wrong(estate: Estate, found: Object, what: str, mend: str, *at: str) -> Finding:
    return estate.finding("secret/provided", found, what, at=at, why=PROVIDED.why, mend=mend)


PROVIDED = Rule(
    "secret/provided",
    "where Secrets come from a cloud's store, one that no class names there is never made, and its pods never start",
    "objectName: onair-prod-kr-shop-catalog # for the Secret shop/catalog-db",
    "objectName: onair-prod-kr-shop-catalog-db",
    provided,
)
MOUNTED = Rule(
    "secret/mounted",
    "the driver makes a Secret when a pod mounts its class, and takes it away with the last that does",
    "envFrom: [{secretRef: {name: catalog-db}}] # and no volume of it",
    f"volumes: [{{name: x, csi: {{driver: {DRIVER}, volumeAttributes: {{secretProviderClass: catalog-db}}}}}}]",
    mounted,
)
RULES = (PROVIDED, MOUNTED)
