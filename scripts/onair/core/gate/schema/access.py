"""What must fit together in roles and bindings."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.gate.model import Body
from onair.core.gate.schema.parts import mapping, mappings
from onair.core.gate.schema.problem import Problem, dotted

RBAC = "rbac.authorization.k8s.io"


def role(body: Body) -> Iterator[Problem]:
    """Find rules that the API server refuses or that grant nothing."""
    for position, rule in mappings(body.get("rules")):
        path = ("rules", position)
        if rule.get("nonResourceURLs"):
            if body.get("kind") == "Role":
                what = f"{dotted(path)}: a Role cannot grant nonResourceURLs"
                yield Problem(path, "schema/access", what, "use a ClusterRole")
            if rule.get("resources"):
                what = f"{dotted(path)} names resources and nonResourceURLs"
                yield Problem(path, "schema/access", what, "make two rules of it")
            continue
        for key in ("apiGroups", "resources"):
            if not rule.get(key):
                what = f"{dotted((*path, key))} is missing or empty"
                mend = "add it; the core group is `apiGroups: ['']`" if key == "apiGroups" else "add `resources:`"
                yield Problem(path, "schema/access", what, mend)


def binding(body: Body) -> Iterator[Problem]:
    """Find subjects and references that the API server refuses."""
    reference = mapping(body.get("roleRef"))
    if reference.get("apiGroup", RBAC) != RBAC:
        what = f"roleRef.apiGroup {reference['apiGroup']!r} is not {RBAC}"
        yield Problem(("roleRef", "apiGroup"), "schema/access", what, f"write {RBAC}")
    if body.get("kind") == "ClusterRoleBinding" and reference.get("kind") == "Role":
        what = "a ClusterRoleBinding cannot bind a Role"
        yield Problem(("roleRef", "kind"), "schema/access", what, "bind a ClusterRole, or use a RoleBinding")
    for position, subject in mappings(body.get("subjects")):
        path, account = ("subjects", position), subject.get("kind") == "ServiceAccount"
        if account and not subject.get("namespace"):
            what = f"{dotted(path)}: ServiceAccount {subject.get('name')} has no namespace"
            yield Problem(path, "schema/access", what, "add `namespace:`")
        group = "" if account else RBAC
        if subject.get("apiGroup", group) != group:
            what = f"{dotted(path)}: apiGroup of a {subject.get('kind')} must be {group or 'empty'}"
            mend = f"write `apiGroup: {group}`" if group else "remove `apiGroup:`"
            yield Problem((*path, "apiGroup"), "schema/access", what, mend)
