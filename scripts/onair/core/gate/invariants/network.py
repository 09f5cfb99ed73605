"""Namespaces exist, and every one with pods denies by default."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import texts
from onair.core.gate.invariants.index import index
from onair.core.gate.model import Estate, Rule

GIVEN = {"default", "kube-system", "kube-public", "kube-node-lease"}
"""Namespaces that Kubernetes makes itself."""


def default_deny(estate: Estate) -> Iterator[Finding]:
    """Find namespaces with pods and without a NetworkPolicy for all of them."""
    denied = {
        (each.cluster, each.namespace)
        for each in index(estate).of("NetworkPolicy")
        if each.get("spec", "podSelector") == {}
        and "Ingress" in (texts(each.get("spec", "policyTypes")) or ["Ingress"])
    }
    reported: set[tuple[str, str]] = set()
    for pods in index(estate).pods:
        key = (pods.owner.cluster, pods.namespace)
        if key in denied or key in reported:
            continue
        reported.add(key)
        found = index(estate).find(key[0], "Namespace", "", key[1]) or pods.owner
        what = f"namespace {key[1]} has pods and no NetworkPolicy for all of them"
        mend = "add one with podSelector: {} and policyTypes: [Ingress, Egress] (infrastructure/namespaces/base)"
        yield estate.finding("network/default-deny", found, what, why=DENY.why, mend=mend)


def selects(estate: Estate) -> Iterator[Finding]:
    """Find NetworkPolicies for pods that are not there."""
    for each in index(estate).of("NetworkPolicy"):
        selector = each.get("spec", "podSelector")
        if selector and not index(estate).selected(each.cluster, each.namespace, selector):
            what = "its podSelector selects no pods"
            mend = "select labels that a pod template of the namespace has, or remove the policy"
            yield estate.finding("network/selects", each, what, at=("spec", "podSelector"), why=SELECTS.why, mend=mend)


def declared(estate: Estate) -> Iterator[Finding]:
    """Find objects in a namespace that the cluster does not make."""
    have = {(each.cluster, each.name) for each in index(estate).of("Namespace")}
    reported: set[tuple[str, str, str]] = set()
    for each in estate.objects:
        key = (each.cluster, each.namespace, each.leaf)
        if not each.namespace or each.namespace in GIVEN or key[:2] in have or key in reported:
            continue
        reported.add(key)
        what = f"namespace {each.namespace} is made by no leaf of {each.cluster}"
        mend = f"correct the namespace, or add it to infrastructure/namespaces/base ({each.namespace})"
        yield estate.finding(
            "namespace/declared", each, what, at=("metadata", "namespace"), why=DECLARED.why, mend=mend
        )


DENY = Rule(
    "network/default-deny",
    "without one every pod of the cluster may reach every pod of the namespace",
    "kind: Namespace # alone",
    "kind: NetworkPolicy\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}",
    default_deny,
)
SELECTS = Rule(
    "network/selects",
    "a policy with a misspelt selector opens nothing for its pods: behind a default-deny they are cut off",
    "podSelector: {matchLabels: {app.kubernetes.io/name: wbe}}",
    "podSelector: {matchLabels: {app.kubernetes.io/name: web}}",
    selects,
)
DECLARED = Rule(
    "namespace/declared",
    "a sync into a namespace that does not exist fails; one that somebody else made has no labels and no NetworkPolicy",
    "metadata: {name: web, namespace: shopp}",
    "metadata: {name: web, namespace: shop}",
    declared,
)
RULES = (DENY, SELECTS, DECLARED)
