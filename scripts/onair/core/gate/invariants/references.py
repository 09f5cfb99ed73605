"""What objects name exists: one rule a kind of thing that is named, out of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from onair.core.finding import Finding
from onair.core.gate.invariants import reference_table as table
from onair.core.gate.invariants.fields import mapping, values
from onair.core.gate.invariants.index import Index, Pods, index
from onair.core.gate.invariants.pod_references import PodReference, all_references
from onair.core.gate.model import Body, Estate, Object, Path, Rule


class _Target(NamedTuple):
    kind: str
    namespace: str
    name: str


def _dangling(estate: Estate, rule: str) -> Iterator[Finding]:
    by_name = index(estate)
    for link in (each for each in table.LINKS if each.rule == rule):
        path = tuple(link.path.split("."))
        for owner in index(estate).of(*link.kinds):
            for at, value in values(owner.body, path):
                target = _target(owner, link, value)
                if target.name and not _known(by_name, owner.cluster, target):
                    yield _finding(estate, rule, owner, at, target)
    if rule in table.POD_RULES.values():
        for pods, named in all_references(estate):
            if table.POD_RULES.get(named.kind) == rule and not named.optional:
                yield from _of_pods(estate, rule, pods, named)


def _of_pods(estate: Estate, rule: str, pods: Pods, named: PodReference) -> Iterator[Finding]:
    owner, by_name = pods.owner, index(estate)
    target = _Target(named.kind, "" if named.kind in table.CLUSTER_WIDE else pods.namespace, named.name)
    if not _known(by_name, owner.cluster, target):
        yield _finding(estate, rule, owner, named.at, target)
        return
    found = by_name.find(owner.cluster, *target)
    if found is None or named.kind != "ConfigMap":
        return
    have = {str(key) for field in ("data", "binaryData") for key in mapping(found.get(field))}
    for key in named.keys:
        if key not in have:
            what = f"ConfigMap {named.name} has no key {key}"
            mend = f"name one of its keys: {', '.join(sorted(have)) or 'it has none'}"
            yield estate.finding(rule, owner, what, at=named.at, why=table.RULES[rule].why, mend=mend)


def _target(owner: Object, link: table.Link, value: object) -> _Target:
    """Return what ``value`` names; without a name where nothing is to be checked."""
    named: Body = value if isinstance(value, dict) else {"name": value}
    kind, name = link.target or str(named.get("kind")), str(named.get("name") or named.get("templateName") or "")
    if link.rule == "reference/subject" and kind != "ServiceAccount":
        return _Target(kind, "", "")  # users and groups come from outside
    if kind == "Analysis":
        kind = "ClusterAnalysisTemplate" if named.get("clusterScope") is True else "AnalysisTemplate"
    if link.scope == "cluster" or kind in table.CLUSTER_WIDE or kind == "ClusterAnalysisTemplate":
        return _Target(kind, "", name)
    namespace = named.get("namespace") if link.scope == "named" else None
    return _Target(kind, str(namespace or owner.namespace), name)


def _known(by_name: Index, cluster: str, target: _Target) -> bool:
    if (target.kind, target.name) in table.BUILT_IN or (
        target.kind == "ClusterRole" and target.name.startswith("system:")
    ):
        return True
    return by_name.find(cluster, *target) is not None


def _finding(estate: Estate, rule: str, owner: Object, at: Path, target: _Target) -> Finding:
    where = f"{target.namespace}/{target.name}" if target.namespace else target.name
    return estate.finding(
        rule,
        owner,
        f"names {target.kind} {where}, which {owner.cluster} does not have",
        at=at,
        why=table.RULES[rule].why,
        mend=f"correct the name, or add the {target.kind} to a leaf of {owner.cluster}",
    )


def _rule(name: str, told: table.Why) -> Rule:
    def check(estate: Estate) -> Iterable[Finding]:
        return _dangling(estate, name)

    return Rule(name, told.why, told.bad, told.good, check)


RULES = tuple(_rule(name, told) for name, told in table.RULES.items())
