"""The rules of the address plan, and what of the estate they depend on.

The facts' models take longer to load than all other rules to run: :mod:`onair.core.gate.addresses` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from onair.core.finding import Finding
from onair.core.gate.invariants.index import Pods, index
from onair.core.gate.model import Estate, Object, Rule


class Peak(NamedTuple):
    """Pods of one cluster at its busiest: every release at once, every autoscaler at its limit.

    Attributes
    ----------
    fixed
        Pods of the cluster.
    per_node
        Pods that every node runs (DaemonSets).
    """

    fixed: int
    per_node: int

    def on(self, nodes: int) -> int:
        """Return all pods with this many nodes."""
        return self.fixed + nodes * self.per_node


def peak_of(estate: Estate, cluster: str) -> Peak:
    """Return how many pods a cluster runs when everything is released at once, at every autoscaler's limit."""
    fixed = per_node = 0
    for pods in index(estate).pods:
        if pods.owner.cluster == cluster and pods.spec.get("hostNetwork") is not True:
            if pods.owner.kind == "DaemonSet":
                per_node += 1
            else:
                fixed += _peak(pods)
    return Peak(fixed, per_node)


def _peak(pods: Pods) -> int:
    owner, most = pods.owner, pods.replicas[1]
    if pods.rollout:
        plan_ = pods.rollout.get("spec", "strategy", "blueGreen")
        if isinstance(plan_, dict):
            return 2 * most  # the new colour is as large as the old one before traffic is switched
        return most + _surge(pods.rollout.get("spec", "strategy", "canary", "maxSurge"), most)
    if owner.kind == "Deployment":
        rolling = owner.get("spec", "strategy", "type") != "Recreate"
        return most + (_surge(owner.get("spec", "strategy", "rollingUpdate", "maxSurge"), most) if rolling else 0)
    if owner.kind == "EnvoyProxy":
        path = ("spec", "provider", "kubernetes", "envoyDeployment", "strategy", "rollingUpdate", "maxSurge")
        return most + _surge(owner.get(*path), most)
    if owner.kind in ("Job", "CronJob"):
        parallel = owner.get(*pods.at[:-1], "parallelism")
        return parallel if isinstance(parallel, int) else 1
    return most


def _surge(surge: object, replicas: int) -> int:
    """Return the pods above ``replicas`` in a rolling update; 25 % rounded up where nothing is said."""
    if isinstance(surge, int):
        return surge
    percent = re.fullmatch(r"(\d+)%", surge) if isinstance(surge, str) else None
    return -(-replicas * (int(percent[1]) if percent else 25) // 100)


def addressed(estate: Estate) -> Iterator[Object]:
    """Iterate over the Services that have an address of their own."""
    for service in index(estate).of("Service"):
        if service.get("spec", "clusterIP") != "None" and service.get("spec", "type") != "ExternalName":
            yield service


def _plan(estate: Estate) -> Iterable[Finding]:
    from onair.core.gate import addresses  # noqa: PLC0415 - see above

    return addresses.plan_holds(estate)


def _room_for_pods(estate: Estate) -> Iterable[Finding]:
    from onair.core.gate import addresses  # noqa: PLC0415

    return addresses.room_for_pods(estate)


def _room_for_services(estate: Estate) -> Iterable[Finding]:
    from onair.core.gate import addresses  # noqa: PLC0415

    return addresses.room_for_services(estate)


def _facts(estate: Estate) -> object:
    return estate.platform, list(estate.clusters.items())


def _peaks(estate: Estate) -> object:
    return _facts(estate), [peak_of(estate, name) for name in estate.clusters]


def _services(estate: Estate) -> object:
    return _facts(estate), [(each.cluster, each.get("spec", "clusterIP")) for each in addressed(estate)]


PLAN = Rule(
    "addresses/plan",
    "two ranges that meet can never be peered or routed; a live cluster's range cannot be changed",
    "network: {cidr: 10.65.0.0/16} # in prod-us, and prod-kr has it",
    "network: {cidr: 10.66.0.0/16}",
    _plan,
    _facts,
)
PODS = Rule(
    "addresses/pods",
    "a blue/green release runs both colours; pods without an address wait, and the release with them",
    "pods: 10.65.64.0/27 # 24 addresses left with a zone lost, 40 pods at the peak",
    "pods: 10.65.64.0/18",
    _room_for_pods,
    _peaks,
)
SERVICES = Rule(
    "addresses/services",
    "a Service without an address is refused; one outside the range is refused too",
    "clusterIP: 192.0.2.10",
    "clusterIP: 10.65.128.10 # in services 10.65.128.0/20",
    _room_for_services,
    _services,
)
RULES = (PLAN, PODS, SERVICES)
