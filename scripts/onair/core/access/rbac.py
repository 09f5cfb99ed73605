"""Who may do what, worked out of roles and bindings as the API server's RBAC authorizer does: no I/O, no cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from onair.core.finding import Finding, OnairError

EVERYBODY = "system:authenticated"
ACCOUNTS = "system:serviceaccounts"
ALL = "*"


class Asked(NamedTuple):
    """A request: ``resource`` is plural, with a subresource after a slash; ``namespace`` is empty for all of them."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """As an access review asks it: ``resourceAttributes`` of authorization.k8s.io/v1."""
        plural, _, sub = self.resource.partition("/")
        found = {"verb": self.verb, "group": self.group, "resource": plural, "namespace": self.namespace}
        return found | ({"subresource": sub} if sub else {})

    def __str__(self) -> str:
        """As kubectl says it: ``delete pods in shop``."""
        suffix = f".{self.group}" if self.group else ""
        plural, slash, sub = self.resource.partition("/")
        return f"{self.verb} {plural}{suffix}{slash}{sub}" + (f" in {self.namespace}" if self.namespace else "")


class Subject(NamedTuple):
    """Whom a binding names; ``namespace`` is a ServiceAccount's."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        """``Group operator``, ``ServiceAccount argocd/argocd-server``."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Grant(NamedTuple):
    """One rule of a role, given to a subject by a binding; ``namespace`` is empty where it holds in all."""

    subject: Subject
    namespace: str
    binding: str
    role: str
    rule: Mapping[str, Any]

    def allows(self, asked: Asked) -> bool:
        """Tell whether the rule covers a request in the namespaces that the binding is for."""
        rule = self.rule
        names = rule.get("resourceNames") or ()
        return (
            self.namespace in {"", asked.namespace}
            and _covers(rule.get("verbs"), asked.verb)
            and _covers(rule.get("apiGroups"), asked.group)
            and _resource(rule.get("resources") or (), asked.resource)
            and (not names or asked.name in names)
        )


def grants(objects: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """Return everything that roles and bindings among ``objects`` grant.

    Parameters
    ----------
    objects
        Manifests of one cluster; of other kinds than roles and bindings nothing is read.
    """
    held = list(objects)
    roles = {_key(each): each for each in held if each.get("kind") in {"Role", "ClusterRole"}}
    found = []
    for binding in held:
        if binding.get("kind") not in {"RoleBinding", "ClusterRoleBinding"}:
            continue
        metadata, reference = binding["metadata"], binding["roleRef"]
        space = metadata.get("namespace", "") if binding["kind"] == "RoleBinding" else ""
        role = roles.get((reference["kind"], space if reference["kind"] == "Role" else "", reference["name"]))
        for rule in _rules(role, roles.values()) if role else ():
            for each in binding.get("subjects") or ():
                subject = Subject(each["kind"], each["name"], each.get("namespace", ""))
                name = f"{binding['kind']} {metadata['name']}"
                found.append(Grant(subject, space, name, f"{reference['kind']} {reference['name']}", rule))
    return found


def allowed(held: Iterable[Grant], who: Subject, asked: Asked) -> Iterator[Grant]:
    """Yield the grants by which a subject may do it; none: it may not."""
    also = {who, Subject("Group", EVERYBODY)}
    if who.kind == "ServiceAccount":
        also |= {Subject("Group", ACCOUNTS), Subject("Group", f"{ACCOUNTS}:{who.namespace}")}
        also.add(Subject("User", f"system:serviceaccount:{who.namespace}:{who.name}"))
    return (each for each in held if each.subject in also and each.allows(asked))


def who_can(held: Iterable[Grant], asked: Asked) -> dict[Subject, Grant]:
    """Return everybody whom a binding lets do it, with the first grant that does."""
    found = dict[Subject, Grant]()
    for each in held:
        if each.allows(asked):
            found.setdefault(each.subject, each)
    return dict(sorted(found.items()))


def api_group(held: Iterable[Grant], resource: str) -> tuple[str, str]:
    """Return plural (with its subresource) and API group of what a person typed: ``pods``, ``rollouts.argoproj.io``.

    Raises
    ------
    OnairError
        Roles know that plural in several groups, or not at all.
    """
    typed, slash, sub = resource.partition("/")
    plural, dot, group = typed.partition(".")
    if dot:
        return plural + slash + sub, group
    known = {
        (name.partition("/")[0], each)
        for grant in held
        for name in grant.rule.get("resources") or ()
        for each in grant.rule.get("apiGroups") or ()
    }
    groups = sorted(each for name, each in known if name == plural and each != ALL)
    if "" in groups or len(groups) == 1:
        return plural + slash + sub, "" if "" in groups else groups[0]
    if groups:
        what, mend = (
            f"{plural!r} is in several API groups",
            f"write one of: {', '.join(f'{plural}.{g}' for g in groups)}",
        )
    else:
        near = sorted({name for name, _ in known if name.rstrip("s") == plural.rstrip("s")})
        what = f"no role names a resource {plural!r}"
        mend = f"did you mean {near[0]}?" if near else "write the plural and its API group, e.g. widgets.example.com"
    raise OnairError(Finding(rule="access/resource", what=what, mend=mend))


def _rules(role: Mapping[str, Any], roles: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors")
    if not selectors:
        return list(role.get("rules") or ())
    return [
        rule
        for each in roles
        for selector in selectors
        if each["kind"] == "ClusterRole" and each is not role and _selected(each, selector)
        for rule in each.get("rules") or ()
    ]


def _selected(role: Mapping[str, Any], selector: Mapping[str, Any]) -> bool:
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    labels = role["metadata"].get("labels") or {}
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _key(role: Mapping[str, Any]) -> tuple[str, str, str]:
    space = role["metadata"].get("namespace", "") if role["kind"] == "Role" else ""
    return role["kind"], space, role["metadata"]["name"]


def _covers(given: Iterable[str] | None, wanted: str) -> bool:
    return any(each in {ALL, wanted} for each in given or ())


def _resource(given: Iterable[str], wanted: str) -> bool:
    sub = wanted.partition("/")[2]
    return any(each in {ALL, wanted} or (sub and each == f"{ALL}/{sub}") for each in given)
