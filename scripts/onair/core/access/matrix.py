"""The table that people read: what each group may do, of all that matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from onair.core.access.people import Group
from onair.core.access.rbac import Asked, Grant, Subject, allowed

DOCUMENT = "docs/architecture/access-matrix.md"
RBAC, ARGO, GATEWAY = "rbac.authorization.k8s.io", "argoproj.io", "gateway.networking.k8s.io"
READ, WRITE = ("get", "list", "watch"), ("create", "update", "patch", "delete")
SPACES = ("shop", "data", "argocd", "kube-system")
"""A namespace of the services, the data's, the deliveries', and the system's own."""


class Row(NamedTuple):
    """A line of the table; all its requests must be answered alike."""

    what: str
    asked: tuple[Asked, ...]


def _each(verbs: Iterable[str], resource: str, group: str = "", spaces: Iterable[str] = ("",)) -> tuple[Asked, ...]:
    return tuple(Asked(verb, resource, group, space) for space in spaces for verb in verbs)


def rows() -> list[Row]:
    """Return every verb, resource and place that matters."""
    elsewhere = SPACES[1:]
    return [
        Row("see pods, anywhere", _each(READ, "pods", spaces=SPACES)),
        Row("see workloads, anywhere", _each(READ, "deployments", "apps", SPACES)),
        Row("see configuration (ConfigMaps), anywhere", _each(READ, "configmaps", spaces=SPACES)),
        Row("see rollouts", _each(READ, "rollouts", ARGO, ["shop"])),
        Row("see Applications", _each(READ, "applications", ARGO, ["argocd"])),
        Row("see nodes and namespaces", (*_each(READ, "nodes"), *_each(READ, "namespaces"))),
        Row("see roles", _each(READ, "clusterroles", RBAC)),
        Row("see bindings", _each(READ, "rolebindings", RBAC, SPACES)),
        Row("read the logs of the shop's pods", _each(["get"], "pods/log", spaces=["shop"])),
        Row("read the logs of other pods", _each(["get"], "pods/log", spaces=elsewhere)),
        Row("read Secrets", _each(READ, "secrets", spaces=SPACES)),
        Row("change Secrets", _each(WRITE, "secrets", spaces=SPACES)),
        Row("enter the shop's pods (exec)", _each(["create", "get"], "pods/exec", spaces=["shop"])),
        Row("enter other pods (exec)", _each(["create", "get"], "pods/exec", spaces=elsewhere)),
        Row("forward a port to the shop's pods", _each(["create"], "pods/portforward", spaces=["shop"])),
        Row("forward a port to Argo CD", _each(["create"], "pods/portforward", spaces=["argocd"])),
        Row("forward a port to the databases", _each(["create"], "pods/portforward", spaces=["data"])),
        Row("restart the shop's pods", _each(["delete"], "pods", spaces=["shop"])),
        Row("restart other pods", _each(["delete"], "pods", spaces=elsewhere)),
        Row("promote or abort a rollout", _each(["patch"], "rollouts/status", ARGO, ["shop"])),
        Row("scale the shop by hand", _each(["patch", "update"], "deployments/scale", "apps", ["shop"])),
        Row("change the shop's workloads", _each(WRITE, "deployments", "apps", ["shop"])),
        Row("cordon a node", _each(["patch"], "nodes")),
        Row("drain a node of the shop's pods", _each(["create"], "pods/eviction", spaces=["shop"])),
        Row("drain a node of other pods", _each(["create"], "pods/eviction", spaces=elsewhere)),
        Row("remove a node or a namespace", (*_each(["delete"], "nodes"), *_each(["delete"], "namespaces"))),
        Row("have Argo CD sync again", _each(["patch"], "applications", ARGO, ["argocd"])),
        Row("remove Applications", _each(["delete"], "applications", ARGO, ["argocd"])),
        Row("change routes", _each(WRITE, "httproutes", GATEWAY, ["shop"])),
        Row("change NetworkPolicies", _each(WRITE, "networkpolicies", "networking.k8s.io", SPACES)),
        Row("change roles", _each(WRITE, "clusterroles", RBAC)),
        Row("change bindings", _each(WRITE, "rolebindings", RBAC, SPACES)),
        Row("grant more than one has (escalate, bind)", _each(["escalate", "bind"], "clusterroles", RBAC)),
        Row("act as somebody else (impersonate)", _each(["impersonate"], "users")),
        Row("draw a ServiceAccount's token", _each(["create"], "serviceaccounts/token", spaces=SPACES)),
        Row("approve certificates", _each(["update"], "certificatesigningrequests/approval", "certificates.k8s.io")),
        Row("reach kubelets through the API server", _each(["get", "create"], "nodes/proxy")),
    ]


def answers(held: Sequence[Grant], groups: Iterable[str], row: Row) -> dict[str, bool | None]:
    """Return what each group may of a row: True all, False nothing, None a part."""
    found: dict[str, bool | None] = {}
    for group in groups:
        may = {any(allowed(held, Subject("Group", group), asked)) for asked in row.asked}
        found[group] = may.pop() if len(may) == 1 else None
    return found


def markdown(held: Sequence[Grant], groups: Mapping[str, Group]) -> str:
    """Return the document."""
    lines = [
        "# Who may do what in a cluster",
        "",
        "Made by `onair access matrix --write` out of `infrastructure/access/`; a test compares it, another asks a",
        "running region the same. The groups are those of `clusters/platform/people.yaml`; git's is changed in git.",
        "",
        *(f"- **{name}** {group.about}" for name, group in groups.items()),
        "",
        f"| may | {' | '.join(groups)} |",
        f"| --- |{' :-: |' * len(groups)}",
    ]
    for row in rows():
        found = answers(held, groups, row)
        marks = ["yes" if found[group] else "partly" if found[group] is None else "no" for group in groups]
        lines.append(f"| {row.what} | {' | '.join(marks)} |")
    lines += ["", f"{sum(len(row.asked) for row in rows())} requests a group stand behind the {len(rows())} lines."]
    return "\n".join([*lines, ""])
