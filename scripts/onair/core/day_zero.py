"""Day 0 of a cluster: what must stand before Argo CD can bring the rest, and in which order (docs/decisions/0005)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Object = dict[str, Any]
Objects = list[Object]
APPLIED = ("namespaces", "nodes", "dns", "argocd")
"""Parts that Argo CD needs in order to run: names, nodes and addresses (where they are not there anyway) and itself."""
DEFINING = ("rollouts", "gateway")
"""Parts that bring kinds (CustomResourceDefinitions)."""
DEFINITION = "CustomResourceDefinition"
FOLLOWED = ("Application", "ApplicationSet")
CRD_SECONDS, ARGOCD_SECONDS = 60, 600


class Stage(NamedTuple):
    """Objects that are applied together, before anything of a later stage.

    Attributes
    ----------
    waits
        Words of kubectl that end when the next stage may begin, each list one call.
    """

    name: str
    objects: Sequence[Object]
    waits: Sequence[Sequence[str]] = ()


def kinds(parts: Mapping[str, Objects]) -> Objects:
    """Return the kinds that the parts bring, all first: each that comes later makes Argo CD read the whole cluster."""
    return [each for objects in parts.values() for each in objects if each["kind"] == DEFINITION]


def argocd(parts: Mapping[str, Objects]) -> tuple[Objects, Objects]:
    """Return Argo CD without its kinds, and what it follows: that comes once it answers.

    What is compared before the repo-server answers waits for the next poll, minutes later.
    """
    own = [each for each in parts["argocd"] if each["kind"] != DEFINITION]
    return [x for x in own if x["kind"] not in FOLLOWED], [x for x in own if x["kind"] in FOLLOWED]


def stages(parts: Mapping[str, Objects]) -> list[Stage]:
    """Return what is applied on an empty cluster, in order.

    Parameters
    ----------
    parts
        Objects by part; of the defining ones only the kinds are taken, as Argo CD brings the rest.
    """
    definitions, (own, followed) = kinds(parts), argocd(parts)
    workloads = [each for each in own if each["kind"] in ("Deployment", "StatefulSet")]
    found = [
        Stage("namespaces", parts["namespaces"]),
        Stage("nodes", parts.get("nodes", ())),
        Stage("names of the cluster", parts.get("dns", ())),
        Stage("kinds", definitions, [_established(definitions)]),
        Stage("Argo CD", own, [_rolled_out(each) for each in workloads]),
        Stage("what Argo CD follows", followed),
    ]
    return [each for each in found if each.objects]


def _established(definitions: Sequence[Object]) -> list[str]:
    names = [f"crd/{each['metadata']['name']}" for each in definitions]
    return ["wait", "--for=condition=Established", f"--timeout={CRD_SECONDS}s", *names]


def _rolled_out(workload: Object) -> list[str]:
    metadata = workload["metadata"]
    name = f"{str(workload['kind']).lower()}/{metadata['name']}"
    return ["rollout", "status", f"--namespace={metadata['namespace']}", f"--timeout={ARGOCD_SECONDS}s", name]


def name_of(body: Object) -> str:
    """Return how people call an object: kind, and namespace and name."""
    metadata = body["metadata"]
    space = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{body['kind']} {space}{metadata['name']}"
