"""What a policy or a binding matches (k8s.io/apiserver: admission/plugin/policy/matching, webhook/predicates)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from onair.core.gate.model import Body

OPERATION = "CREATE"


class Request(NamedTuple):
    """What the API server would be asked, as far as matching looks at it.

    Attributes
    ----------
    namespace_labels
        Of the object's namespace, or of the object where it is a Namespace; None for other cluster-wide objects.
    """

    group: str
    version: str
    resource: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] | None


def matches(resources: Body, request: Request) -> bool:
    """Tell whether ``matchConstraints`` or ``matchResources`` match."""
    exact = resources.get("matchPolicy") == "Exact"
    rules = resources.get("resourceRules")
    return (
        in_namespace(resources, request)
        and selects(resources.get("objectSelector"), request.labels)
        and not any(applies(rule, request, exact=exact) for rule in resources.get("excludeResourceRules") or ())
        and (not rules or any(applies(rule, request, exact=exact) for rule in rules))
    )


def in_namespace(resources: Body, request: Request) -> bool:
    """Tell whether the namespace is selected; cluster-wide objects always are."""
    return request.namespace_labels is None or selects(resources.get("namespaceSelector"), request.namespace_labels)


def applies(rule: Body, request: Request, *, exact: bool = False) -> bool:
    """Tell whether a rule applies.

    The version is compared only by ``matchPolicy: Exact``: with ``Equivalent``, the default, the API server converts
    an object to the version that a rule names. A version that is no longer served is a finding of the schema.
    """
    names = rule.get("resourceNames")
    return (
        _scope(rule.get("scope"), request)
        and _listed(rule.get("operations"), OPERATION)
        and _listed(rule.get("apiGroups"), request.group)
        and (not exact or _listed(rule.get("apiVersions"), request.version))
        and _resource(rule.get("resources"), request.resource)
        and (not names or request.name in names)
    )


def selects(selector: Body | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector selects; an empty or missing one selects everything."""
    selector = selector or {}
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _requirement(each, labels) for each in selector.get("matchExpressions") or ()
    )


def _requirement(each: Body, labels: Mapping[str, str]) -> bool:
    key, operator, values = each.get("key", ""), each.get("operator"), each.get("values") or ()
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"no operator of a label selector: {operator}")


def _scope(scope: object, request: Request) -> bool:
    if scope in {None, "*"}:
        return True
    cluster_wide = request.namespace == "" or (request.group == "" and request.resource == "namespaces")
    return cluster_wide is (scope == "Cluster")


def _listed(items: Iterable[str] | None, wanted: str) -> bool:
    return any(item in {"*", wanted} for item in items or ())


def _resource(items: Iterable[str] | None, wanted: str) -> bool:
    for item in items or ():
        name, _, sub = item.partition("/")
        if name in {"*", wanted} and sub in {"", "*"}:
            return True
    return False
