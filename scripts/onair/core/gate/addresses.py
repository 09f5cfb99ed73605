"""The address plan: no two ranges meet, and there is an address for every pod of a release's peak."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from onair.core.facts import Cluster, Environment, Platform
from onair.core.facts_check import Problem, problems
from onair.core.finding import Finding
from onair.core.gate.address_rules import PLAN, PODS, SERVICES, addressed, peak_of
from onair.core.gate.model import Estate
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
    for service in addressed(estate):
        address, cluster = service.get("spec", "clusterIP"), clusters.get(service.cluster)
        if cluster is None:
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
