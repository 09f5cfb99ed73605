"""A release at the worst moment fits: while every workload is at its peak, each service can stand there twice.

Blue/green runs both colours at once; a release that finds no room waits, in the middle of a show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from operator import ge, sub
from typing import NamedTuple

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping
from onair.core.gate.invariants.index import Pods, index
from onair.core.gate.model import Body, Estate, Object, Rule
from onair.core.gate.naming import PLATFORM
from onair.core.gate.schema.values import quantity, whole

PODS = "pods"
PLAIN = {"cpu": "requests.cpu", "memory": "requests.memory"}
"""Names of a quota that mean the same: https://kubernetes.io/docs/concepts/policy/resource-quotas/"""
MOST_NODES = 1_000
_FINE = 10**9
Need = Mapping[str, Fraction]


class Demand(NamedTuple):
    """So many pods that one object makes at its peak, each with these needs (``requests.cpu``, …, ``pods``)."""

    pods: Pods
    most: int
    need: Need

    def twice(self) -> Demand:
        """Return the same while a release of it is under way."""
        return self._replace(most=2 * self.most)


class Nodes(NamedTuple):
    """The nodes that a cluster may have."""

    number: int
    room: Need

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {float(value):g}" for name, value in self.room.items())
        return f"{self.number} nodes of {parts}"


def peak(estate: Estate) -> Iterator[Finding]:
    """Find services whose release at the peak has no room on the nodes or in the quota; addresses: addresses/pods."""
    for cluster, facts in estate.clusters.items():
        nodes = _nodes(mapping(estate.platform.get("capacity")).get(str(facts.get("environment"))), facts)
        demands = [_demand(pods, nodes) for pods in index(estate).pods if pods.owner.cluster == cluster]
        for i, demand in enumerate(demands):
            if not demand.pods.rollout:
                continue
            all_demands = [each.twice() if i == place else each for place, each in enumerate(demands)]
            for why in _lacks(estate, demand, all_demands, nodes):
                what = f"twice its peak of {demand.most} pods does not fit while the others are at theirs: {why}"
                mend = f"lower maxReplicas or the requests, or plan for more nodes (capacity in {PLATFORM})"
                found, at = _place(demand.pods)
                yield estate.finding("capacity/peak", found, what, at=at, why=PEAK.why, mend=mend)


def _lacks(estate: Estate, demand: Demand, all_demands: list[Demand], nodes: Nodes | None) -> Iterator[str]:
    if nodes and (left := _unplaced(all_demands, nodes)):
        yield f"{left} pods find no room on {nodes}"
    own = demand.pods
    beside = [each for each in all_demands if each.pods.namespace == own.namespace]
    for quota in index(estate).of("ResourceQuota"):
        if (quota.cluster, quota.namespace) != (own.owner.cluster, own.namespace):
            continue
        for key, value in mapping(quota.get("spec", "hard")).items():
            name, most = PLAIN.get(str(key), str(key)), quantity(value)
            used = sum((each.most * each.need.get(name, Fraction(0)) for each in beside), Fraction(0))
            if most is not None and used > most:
                yield f"ResourceQuota {quota.name} allows {key} {value}, {float(used):g} are needed"


def _unplaced(demands: list[Demand], nodes: Nodes) -> int:
    """Return how many pods find no node, the greatest put first onto the first node with room.

    The scheduler may do better; what this finds room for, it finds room for as well.
    """
    # In whole billionths: room rounded down and needs up, so that nothing fits that does not; fractions take ten times.
    room = [floor(each * _FINE) for each in nodes.room.values()]
    free, left = [list(room) for _ in range(nodes.number)], 0
    for demand in sorted(demands, key=lambda each: max(each.need[n] / nodes.room[n] for n in nodes.room), reverse=True):
        need = [ceil(demand.need[name] * _FINE) for name in nodes.room]
        for _ in range(demand.most):
            place = next((node for node in free if all(map(ge, node, need))), None)
            if place is None:
                left += 1
            else:
                place[:] = map(sub, place, need)
    return left


def _demand(pods: Pods, nodes: Nodes | None) -> Demand:
    """Return what pods need at their peak; of an Envoy that Envoy Gateway makes, by its own fields."""
    containers: list[Body] = [each for field, _, each in pods.containers if field == "containers"]
    if pods.owner.kind == "EnvoyProxy":
        containers = [mapping(pods.owner.get("spec", "provider", "kubernetes", "envoyDeployment", "container"))]
    need = {PODS: Fraction(1)}
    for kind in ("requests", "limits"):
        for name in ("cpu", "memory"):
            found = (mapping(mapping(each.get("resources")).get(kind)).get(name) for each in containers)
            need[f"{kind}.{name}"] = sum((quantity(each) or Fraction(0) for each in found), Fraction(0))
    most = nodes.number if nodes and pods.owner.kind == "DaemonSet" else max(0, pods.replicas[1])
    return Demand(pods, most, need)


def _nodes(capacity: object, facts: Body) -> Nodes | None:
    """Return the nodes by the facts; None where they say nothing of use, which is the facts' own check to refuse."""
    found, zones = mapping(capacity), facts.get("zones")
    each = whole(found.get("nodesPerZone"))
    room = {f"requests.{name}": quantity(found.get(name)) for name in ("cpu", "memory")}
    room[PODS] = quantity(found.get(PODS))
    known = {name: value for name, value in room.items() if value}
    if not each or not isinstance(zones, list) or len(known) < len(room) or each * len(zones) > MOST_NODES:
        return None
    return Nodes(each * len(zones), known)


def _place(pods: Pods) -> tuple[Object, tuple[str, ...]]:
    if pods.scaler:
        return pods.scaler, ("spec", "maxReplicas")
    return pods.rollout or pods.owner, ("spec", "replicas")


PEAK = Rule(
    "capacity/peak",
    "blue/green runs both versions at once: without room a release during a show waits, and nothing can be mended",
    "spec: {maxReplicas: 40} # of a service that asks for half a processor, on two nodes of two",
    "spec: {maxReplicas: 4}",
    peak,
)
RULES = (PEAK,)
