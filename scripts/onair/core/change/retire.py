"""Taking an Application away on purpose: the commit that removes it from git, and what removes it from a cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from onair.core.change.sync import RESOURCES_FINALIZER, Application
from onair.core.change.vanish import RETIRED, holds_data, taken_along
from onair.core.finding import Finding, OnairError
from onair.core.gate.model import Object

ABSENCES = "clusters/platform/absences.yaml"
NEVER = frozenset({"argocd", "bootstrap", "namespaces"})
"""What every other Application stands on; a cluster is taken down as a whole, not by these."""


class Retirement(NamedTuple):
    """The commit: files to write (text by path), files to delete, and its message."""

    files: dict[str, str]
    deleted: list[str]
    message: str


def plan(
    name: str,
    clusters: Collection[str],
    applications: Sequence[Application],
    texts: Mapping[str, str],
    environments: Mapping[str, str],
    *,
    objects: Iterable[Object] = (),
    reason: str,
    with_data: bool = False,
) -> Retirement:
    """Plan the commit that takes the Application ``name`` off ``clusters``.

    Parameters
    ----------
    clusters
        Names of clusters, or none for all that run it. An environment's clusters go together (region parity).
    applications
        All that stand now.
    texts
        Text of the repository's files below ``apps``, ``clusters`` and ``infrastructure``, by path.
    environments
        Environment by cluster name, e.g. ``{"local-kr": "local"}``.
    objects
        What is rendered now.
    reason
        One line; it goes into the files and the message.
    with_data
        Whether volumes may go as well.

    Raises
    ------
    OnairError
        If there is no such Application, it holds data and ``with_data`` is not set, others stand on it, a cluster of an
        environment would keep it while another does not, or the reason is not one line.
    """
    standing = {each.cluster: each for each in applications if each.name == name}
    chosen = sorted(clusters or standing)
    _refuse(name, chosen, standing, environments, reason)
    held = [] if with_data else data_of(name, chosen, objects)
    if held:
        raise OnairError(_holding(name, held))
    leaves = [standing[cluster].leaf for cluster in chosen]
    area = "/".join(leaves[0].split("/")[2:])
    everywhere = set(chosen) == set(standing)
    gone = [*leaves, f"{area}/base"] if everywhere else leaves
    deleted = sorted(path for path in texts if any(path.startswith(f"{folder}/") for folder in gone))
    entry = {"application": name, "clusters": chosen, "reason": reason} | ({"withData": True} if with_data else {})
    files = {RETIRED: listed(texts[RETIRED], entry)}
    absences = texts[ABSENCES]
    if everywhere:
        absences = re.sub(rf"^ +{re.escape(area)}:.*\n", "", absences, flags=re.MULTILINE)
    else:
        for environment in sorted({environments[cluster] for cluster in chosen}):
            absences = absent(absences, environment, area, reason)
    if absences != texts[ABSENCES]:
        files[ABSENCES] = absences
    message = f"Retire {name} from {', '.join(chosen)}\n\n{reason}\n"
    return Retirement(files, deleted, message)


def _refuse(
    name: str,
    chosen: Sequence[str],
    standing: Mapping[str, Application],
    environments: Mapping[str, str],
    reason: str,
) -> None:
    if missing := [cluster for cluster in chosen if cluster not in standing]:
        raise OnairError(
            _fault("unknown", f"no Application {name!r} on {', '.join(missing)}", "onair status lists them")
        )
    if not chosen:
        raise OnairError(_fault("unknown", f"no Application {name!r} on any cluster", "onair status lists them"))
    if name in NEVER:
        raise OnairError(_fault("foundation", f"everything else stands on {name}", "make down takes a region down"))
    if not all(each.leaf.endswith(f"/{name}") for each in (standing[cluster] for cluster in chosen)):
        leaf = standing[chosen[0]].leaf
        mend = f"remove it from the base of {leaf}, with the finalizer {RESOURCES_FINALIZER} set in the change before"
        raise OnairError(_fault("chart", f"{name} is a part of the leaf {leaf}, not a leaf of its own", mend))
    if not reason.strip() or "\n" in reason.strip():
        raise OnairError(_fault("reason", "a retirement has a reason of one line", "--reason '…'"))
    parts = {environments[cluster] for cluster in chosen}
    if kept := sorted(cluster for cluster in standing if environments[cluster] in parts and cluster not in chosen):
        what = f"{', '.join(kept)} would keep {name}, while {', '.join(chosen)} would not"
        raise OnairError(_fault("parity", what, f"retire it from {', '.join(sorted({*chosen, *kept}))}"))


def listed(text: str, entry: Mapping[str, Any]) -> str:
    """Return the text of ``retired.yaml`` with one more Application; comments stay.

    Raises
    ------
    OnairError
        If the file has no list ``applications`` to add to.
    """
    line = "  - {" + ", ".join(f"{key}: {_flow(value)}" for key, value in entry.items()) + "}\n"
    new, count = re.subn(
        r"^  applications:( \[\])?[ \t]*\n", lambda _: f"  applications:\n{line}", text, flags=re.MULTILINE
    )
    if count != 1:
        mend = f"restore the line `  applications: []` in {RETIRED}"
        raise OnairError(_fault("file", f"{RETIRED} has no list `applications`", mend))
    return new


def absent(text: str, environment: str, part: str, reason: str) -> str:
    """Return the text of ``absences.yaml`` with one more absence; comments stay.

    Raises
    ------
    OnairError
        If the environment is not in the file.
    """
    line = f"    {part}: {_flow(reason)}\n"
    new, count = re.subn(
        rf"^  {re.escape(environment)}:( {{}})?[ \t]*\n",
        lambda _: f"  {environment}:\n{line}",
        text,
        flags=re.MULTILINE,
    )
    if count != 1:
        raise OnairError(_fault("file", f"{ABSENCES} has no {environment!r}", f"add `  {environment}: {{}}` to it"))
    return new


def data_of(name: str, clusters: Collection[str], objects: Iterable[Object]) -> list[Object]:
    """Return the objects of an Application whose data would go with it."""
    return [
        each
        for each in objects
        if each.application == name and each.cluster in clusters and taken_along(each) and _keeps_data(each)
    ]


def _keeps_data(found: Object) -> bool:
    return holds_data(found) or (found.kind == "StatefulSet" and bool(found.get("spec", "volumeClaimTemplates")))


def _holding(name: str, held: Sequence[Object]) -> Finding:
    what = ", ".join(sorted({f"{each.cluster} {each.identity}" for each in held}))
    return _fault("data", f"{name} holds data: {what}", f"back it up, then: onair retire {name} --with-data")


def _fault(rule: str, what: str, mend: str) -> Finding:
    return Finding(rule=f"retire/{rule}", what=what, mend=mend)


def _flow(value: Any) -> str:  # noqa: ANN401
    """Return a value as YAML in flow style; JSON is a part of it."""
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    plain = (
        isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9-]*", value) and value not in {"on", "off", "yes", "no"}
    )
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


class Step(NamedTuple):
    """One request to a cluster's API server.

    Attributes
    ----------
    verb
        ``refresh`` lets an ApplicationSet look at git anew, and waits until it has: one that had not seen the commit
        yet would make the Application again. ``finalize`` sets the finalizer that makes Argo CD delete what the
        Application made; ``delete`` deletes the Application (its children with it); ``gone`` waits until the API server
        knows it no more.
    name
        The Application's or ApplicationSet's name, in the namespace of Argo CD.
    """

    verb: Literal["refresh", "finalize", "delete", "gone"]
    name: str


class Standing(NamedTuple):
    """What a cluster says now.

    Attributes
    ----------
    applications
        Manifests of all its Applications.
    generators
        Manifests of its ApplicationSets.
    in_git
        Whether the branch that the cluster follows still has the Application's leaf.
    """

    applications: Sequence[Mapping[str, Any]]
    generators: Sequence[Mapping[str, Any]]
    in_git: bool


def removal(name: str, standing: Standing) -> list[Step]:
    """Return what takes a retired Application away from a cluster; nothing where it is gone already.

    Raises
    ------
    OnairError
        If git still has the leaf (the ApplicationSets would make the Application again), or an ApplicationSet is set to
        something else than create-update.
    """
    found = {str(each["metadata"]["name"]): each for each in standing.applications}
    if name not in found:
        return []
    if standing.in_git:
        what = f"the branch that the cluster follows still has {name}"
        raise OnairError(_fault("not-delivered", what, "git push regions HEAD:main, then run this again"))
    for each in standing.generators:
        if ((each.get("spec") or {}).get("syncPolicy") or {}).get("applicationsSync") != "create-update":
            what = f"the ApplicationSet {each['metadata']['name']} may delete Applications by itself"
            raise OnairError(_fault("generator", what, "set applicationsSync: create-update, sync, run this again"))
    children = sorted(_children(found[name], found))
    return [
        *(Step("refresh", str(each["metadata"]["name"])) for each in standing.generators),
        *(Step("finalize", each) for each in [*children, name]),
        Step("delete", name),
        *(Step("gone", each) for each in [*children, name]),
    ]


def _children(parent: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[str]:
    """Iterate over the Applications among a parent's own resources (charts); they would leave their objects behind."""
    for resource in (parent.get("status") or {}).get("resources") or ():
        if resource.get("kind") == "Application" and resource.get("name") in found:
            yield str(resource["name"])


def finalizer() -> dict[str, Any]:
    """Return the merge patch that makes Argo CD delete an Application's objects first, dependents before owners."""
    return {"metadata": {"finalizers": [RESOURCES_FINALIZER]}}
