"""The address plan: no two ranges meet, and there is an address for every pod of a release's peak."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any, NamedTuple

from pydantic import ValidationError

from onair.core.facts import Cluster, Environment, Platform
from onair.core.facts_check import Problem, problems
from onair.core.finding import Finding
from onair.core.gate.invariants.index import Pods, index
from onair.core.gate.model import Estate, Rule
from onair.core.topology import plan

PLATFORM = "clusters/platform/platform.yaml"
MAX_PODS = 110
"""Pods that a kubelet takes unless told otherwise: https://kubernetes.io/docs/setup/best-practices/cluster-large/"""
RESERVED = 5
"""Addresses of a subnet that AWS keeps: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""
VPC_PREFIXES = range(16, 29)
"""Sizes of a VPC's range (same source)."""
SERVICE_PREFIXES = range(12, 25)
"""Sizes of an EKS cluster's service range: https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html"""
SPECIAL = tuple(
    IPv4Network(each)
    for each in ("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.17.0.0/16", "224.0.0.0/3")
)
"""Ranges with a meaning of their own (RFC 6890), and the one that AWS services use themselves (172.17.0.0/16):
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""


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


def plan_holds(estate: Estate) -> Iterator[Finding]:
    """Find ranges of the facts that overlap, lie outside their pool, or suit no cloud."""
    platform, clusters, findings = _facts(estate)
    yield from findings
    found = problems(platform, list(clusters.values()))
    found += [each for cluster in clusters.values() for each in _special(cluster)]
    if platform and not found:
        found += link_overlaps(
            platform, [each for each in clusters.values() if each.spec.environment is Environment.LOCAL]
        )
    for each in found:
        yield _finding(estate, "addresses/plan", each)


def room_for_pods(estate: Estate) -> Iterator[Finding]:
    """Find clusters whose pod range, or whose nodes, do not hold a release's peak when a zone is lost."""
    _, clusters, _ = _facts(estate)
    for name, cluster in clusters.items():
        peak, room = peak_of(estate, name), _room(cluster)
        nodes = max(len(cluster.nodes) - 1, 1) if cluster.spec.environment is Environment.LOCAL else 1
        if peak.on(nodes) > room:
            what = f"{peak.on(nodes)} pods at a release's peak, {room} places when a zone is lost"
            mend = "widen pods, or lower maxReplicas"
            problem = Problem("", name, ("spec", "network", "pods"), what, PODS.why, mend)
            yield _finding(estate, "addresses/pods", problem)


def room_for_services(estate: Estate) -> Iterator[Finding]:
    """Find clusters with more Services than addresses for them, and fixed addresses outside the range."""
    _, clusters, _ = _facts(estate)
    used: dict[str, int] = {}
    for service in index(estate).of("Service"):
        address, cluster = service.get("spec", "clusterIP"), clusters.get(service.cluster)
        if address == "None" or cluster is None or service.get("spec", "type") == "ExternalName":
            continue
        used[service.cluster] = used.get(service.cluster, 0) + 1
        if address and not _inside(str(address), cluster.network.services):
            what = f"clusterIP {address} is outside services {cluster.network.services}"
            mend = "take it out, or use an address of the range"
            at = ("spec", "clusterIP")
            yield estate.finding("addresses/services", service, what, at=at, why=SERVICES.why, mend=mend)
    for name, count in used.items():
        free = clusters[name].network.services.num_addresses - 2  # the network's own and the API server's
        if count > free:
            what = f"{count} Services, {free} addresses in {clusters[name].network.services}"
            problem = Problem("", name, ("spec", "network", "services"), what, SERVICES.why, "widen services")
            yield _finding(estate, "addresses/services", problem)


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


def _room(cluster: Cluster) -> int:
    """Return how many pods the cluster holds with one zone lost."""
    pods, zones = cluster.network.pods, len(cluster.spec.zones)
    if cluster.spec.environment is Environment.LOCAL:  # one node a zone, each with its range
        smallest = min((node.pods.num_addresses - 3 for node in cluster.nodes), default=0)
        return (zones - 1) * min(MAX_PODS, smallest)
    # One subnet a zone, of equal size: the next power of two parts.
    part = pods.num_addresses >> (zones - 1).bit_length()
    return (zones - 1) * (part - RESERVED)


def _special(cluster: Cluster) -> Iterator[Problem]:
    network = cluster.network
    for special in SPECIAL:
        if network.cidr.overlaps(special):
            what, mend = f"cidr {network.cidr} meets {special}", "use a private range (RFC 1918)"
            why = "the range has a meaning of its own: packets to it are not routed as ours"
            yield Problem("", cluster.name, ("spec", "network", "cidr"), what, why, mend)
    if cluster.spec.environment is Environment.PROD:
        for field, part, sizes in (
            ("cidr", network.cidr, VPC_PREFIXES),
            ("services", network.services, SERVICE_PREFIXES),
        ):
            if part.prefixlen not in sizes:
                what = f"{field} {part} is no size that AWS takes (/{sizes[0]} to /{sizes[-1]})"
                why = "Terraform's apply would fail, after the review"
                yield Problem("", cluster.name, ("spec", "network", field), what, why, f"use a /{sizes[0]}")


def link_overlaps(platform: Platform, local: list[Cluster]) -> list[Problem]:
    """Find links of the local network that share an address: too many regions for the hub's range."""
    links = plan(platform, sorted(local, key=lambda each: each.name)).links
    networks = sorted((link.a.address.network, link.name) for link in links if link.a.address and link.b.address)
    why = "two links with one range cannot both be routed"
    mend = "use fewer regions, or give the links ranges of their own (onair.core.topology)"
    return [
        Problem("", platform.metadata.name, ("spec", "hub", "cidr"), f"link {b} {two} overlaps {a} {one}", why, mend)
        for (one, a), (two, b) in pairwise(networks)
        if one.overlaps(two)
    ]


def _inside(address: str, network: IPv4Network) -> bool:
    return IPv4Network(address).subnet_of(network) if re.fullmatch(r"\d+(\.\d+){3}", address) else False


def _facts(estate: Estate) -> tuple[Platform | None, dict[str, Cluster], list[Finding]]:
    """Return the facts as models, and what they cannot be read for."""
    findings: list[Finding] = []
    platform: Platform | None = None
    clusters: dict[str, Cluster] = {}
    sources: list[tuple[str, Mapping[str, Any]]] = list(estate.clusters.items())
    if estate.platform:
        sources.insert(0, ("onair", estate.platform))
    for name, spec in sources:
        kind: type[Cluster] | type[Platform] = Cluster if name in estate.clusters else Platform
        whole = {"apiVersion": "onair.dev/v1", "kind": kind.__name__, "metadata": {"name": name}, "spec": spec}
        try:
            model = kind.model_validate(whole)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                what = f"{each['msg']}, found {each['input']!r}"
                problem = Problem("", name, tuple(each["loc"]), what, PLAN.why, "correct the value")
                findings.append(_finding(estate, "addresses/plan", problem))
            continue
        if isinstance(model, Cluster):
            clusters[name] = model
        else:
            platform = model
    return platform, clusters, findings


def _finding(estate: Estate, rule: str, problem: Problem) -> Finding:
    file = f"clusters/{problem.owner}/facts/cluster.yaml" if problem.owner in estate.clusters else PLATFORM
    field = ".".join(map(str, problem.path))
    lines = estate.texts.get(file, "").splitlines()
    last = next((str(part) for part in reversed(problem.path) if isinstance(part, str)), "")
    line = next((i for i, text in enumerate(lines, 1) if re.search(rf"\b{re.escape(last)}:", text)), None)
    return Finding(
        rule=rule,
        what=f"{problem.owner} {field}: {problem.what}",
        why=problem.why,
        mend=problem.mend,
        file=file,
        line=line,
    )


PLAN = Rule(
    "addresses/plan",
    "two ranges that meet can never be peered or routed; a live cluster's range cannot be changed",
    "network: {cidr: 10.65.0.0/16} # in prod-us, and prod-kr has it",
    "network: {cidr: 10.66.0.0/16}",
    plan_holds,
)
PODS = Rule(
    "addresses/pods",
    "a blue/green release runs both colours; pods without an address wait, and the release with them",
    "pods: 10.65.64.0/27 # 24 addresses left with a zone lost, 40 pods at the peak",
    "pods: 10.65.64.0/18",
    room_for_pods,
)
SERVICES = Rule(
    "addresses/services",
    "a Service without an address is refused; one outside the range is refused too",
    "clusterIP: 192.0.2.10",
    "clusterIP: 10.65.128.10 # in services 10.65.128.0/20",
    room_for_services,
)
RULES = (PLAN, PODS, SERVICES)
