"""What no single fact can say: ranges that must nest or keep apart, and clusters that name each other."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network
from itertools import combinations
from typing import NamedTuple

from onair.core.facts import DNS, FIRST_NODE, NODE_POD_PREFIX, Cluster, Environment, Hub, Platform


class Problem(NamedTuple):
    """A fault between facts.

    Attributes
    ----------
    owner
        ``metadata.name`` of the object to mend.
    path
        The field in it, from the root of the file.
    """

    rule: str
    owner: str
    path: tuple[str | int, ...]
    what: str
    why: str
    mend: str


NETWORK = ("spec", "network")
HUB_PREFIX = 24
LONGEST_DEVICE = 15
"""Characters of a network interface's name (IFNAMSIZ)."""


def problems(platform: Platform | None, clusters: Sequence[Cluster]) -> list[Problem]:
    """Judge all facts together.

    Parameters
    ----------
    platform
        None when its file could not be read: its ranges are then not compared.
    clusters
        Every cluster that could be read.
    """
    found = [problem for cluster in clusters for problem in _inside(cluster)]
    found += _overlaps(clusters)
    found += _pools(platform, clusters) if platform else ()
    found += _peers(clusters)
    found += _zones(clusters)
    return found


def _inside(cluster: Cluster) -> Iterable[Problem]:
    network = cluster.network
    parts = {"nodes": network.nodes, "pods": network.pods, "services": network.services}
    for field, part in parts.items():
        if not part.subnet_of(network.cidr):
            yield _outside(cluster.name, (*NETWORK, field), f"{field} {part}", f"cidr {network.cidr}")
    for (name, one), (field, other) in combinations(parts.items(), 2):
        if one.overlaps(other):
            yield _overlap(cluster.name, (*NETWORK, field), f"{field} {other}", f"{name} {one}")
    if network.services.num_addresses <= DNS:
        yield _small(cluster.name, "services", network.services, f"no address .{DNS} for cluster DNS", "a /20")
    elif network.dns not in network.services or network.dns == cluster.api_service:
        yield Problem(
            "facts/dns",
            cluster.name,
            (*NETWORK, "dns"),
            f"dns {network.dns} is no free address of services {network.services}",
            f"cluster DNS is a Service; {cluster.api_service} is the API server's",
            f"use {network.services[DNS]}",
        )
    if cluster.spec.environment is Environment.LOCAL:
        yield from _room(cluster)


def _room(cluster: Cluster) -> Iterable[Problem]:
    zones, network = len(cluster.spec.zones), cluster.network
    last = FIRST_NODE + zones - 1
    if network.nodes.num_addresses <= last + 1:
        yield _small(cluster.name, "nodes", network.nodes, f"no address .{last} for node {zones}", "a /24")
    if 2 ** (NODE_POD_PREFIX - network.pods.prefixlen) < zones:
        what = f"no /{NODE_POD_PREFIX} for each of {zones} nodes"
        yield _small(cluster.name, "pods", network.pods, what, "a /18")
    for i, zone in enumerate(cluster.spec.zones):
        if len(zone) > LONGEST_DEVICE:
            what = f"zone '{zone}' has more than {LONGEST_DEVICE} characters"
            why = "locally a network interface has its name"
            yield Problem("facts/zone", cluster.name, ("spec", "zones", i), what, why, "choose a shorter name")


def _small(owner: str, field: str, part: IPv4Network, lacks: str, mend: str) -> Problem:
    why = "addresses have fixed places in their range (onair.core.facts)"
    return Problem("facts/room", owner, (*NETWORK, field), f"{field} {part} has {lacks}", why, f"use {mend}")


def _outside(owner: str, path: tuple[str | int, ...], what: str, container: str) -> Problem:
    why = "routes are made for the outer range only"
    return Problem("facts/outside", owner, path, f"{what} is outside {container}", why, f"move it into {container}")


def _overlap(owner: str, path: tuple[str | int, ...], what: str, other: str) -> Problem:
    why = "every range on the platform must be routable from every other"
    return Problem("facts/overlap", owner, path, f"{what} overlaps {other}", why, "choose a free range")


def _overlaps(clusters: Sequence[Cluster]) -> Iterable[Problem]:
    for one, other in combinations(clusters, 2):
        if one.network.cidr.overlaps(other.network.cidr):
            what = f"cidr {other.network.cidr}"
            yield _overlap(other.name, (*NETWORK, "cidr"), what, f"cidr {one.network.cidr} of {one.name}")


def _pools(platform: Platform, clusters: Sequence[Cluster]) -> Iterable[Problem]:
    spec, owner = platform.spec, platform.metadata.name
    if spec.pools.local.overlaps(spec.pools.prod):
        yield _overlap(owner, ("spec", "pools", "prod"), f"pool {spec.pools.prod}", f"pool {spec.pools.local}")
    hub = spec.hub
    if not hub.cidr.subnet_of(spec.pools.local):
        yield _outside(owner, ("spec", "hub", "cidr"), f"cidr {hub.cidr}", f"pools.local {spec.pools.local}")
    if hub.address not in hub.cidr:
        yield _outside(owner, ("spec", "hub", "address"), f"address {hub.address}", f"hub.cidr {hub.cidr}")
    else:
        yield from _hub_room(owner, hub)
    for cluster in clusters:
        environment, cidr = cluster.spec.environment, cluster.network.cidr
        pool = spec.pools.of(environment)
        if not cidr.subnet_of(pool):
            yield _outside(cluster.name, (*NETWORK, "cidr"), f"cidr {cidr}", f"pools.{environment} {pool}")
        if cidr.overlaps(hub.cidr):
            yield _overlap(cluster.name, (*NETWORK, "cidr"), f"cidr {cidr}", f"hub.cidr {hub.cidr}")
    local = {cluster.name for cluster in clusters if cluster.spec.environment is Environment.LOCAL}
    for name in spec.edge.region_ports.keys() ^ local:
        what = f"'{name}' is no local cluster" if name not in local else f"local cluster '{name}' has no port"
        yield Problem(
            "facts/edge-port",
            owner,
            ("spec", "edge", "regionPorts", name),
            what,
            "the edge opens one address for each local region",
            f"list exactly: {', '.join(sorted(local))}",
        )


def _hub_room(owner: str, hub: Hub) -> Iterable[Problem]:
    why = "addresses have fixed places in the hub's range (onair.core.topology)"
    first, last = hub.cidr.network_address + 2, hub.cidr.network_address + 14
    if hub.cidr.prefixlen > HUB_PREFIX:
        what = f"cidr {hub.cidr} has no room for the links of the regions"
        yield Problem("facts/room", owner, ("spec", "hub", "cidr"), what, why, f"use a /{HUB_PREFIX}")
    elif not first <= hub.address <= last:
        what = f"address {hub.address} is not one of {first} to {last}"
        yield Problem("facts/room", owner, ("spec", "hub", "address"), what, why, f"use {hub.cidr[DNS]}")


def _peers(clusters: Sequence[Cluster]) -> Iterable[Problem]:
    by_name = {cluster.name: cluster for cluster in clusters}
    for cluster in clusters:
        peer = by_name.get(cluster.spec.peer)
        fits = [
            other.name
            for other in clusters
            if other.spec.environment == cluster.spec.environment and other.spec.region != cluster.spec.region
        ]
        if peer is None:
            what = f"peer '{cluster.spec.peer}' is not a cluster (known: {', '.join(sorted(by_name))})"
        elif peer.name not in fits:
            what = f"peer '{peer.name}' is not another region of environment {cluster.spec.environment}"
        elif peer.spec.peer != cluster.name:
            what = f"peer '{peer.name}' names '{peer.spec.peer}' as its own peer"
        else:
            continue
        yield Problem(
            "facts/peer",
            cluster.name,
            ("spec", "peer"),
            what,
            "two regions that back each other up must name each other",
            f"set peer to {' or '.join(fits)}" if fits else "add the other region's cluster",
        )


def _zones(clusters: Sequence[Cluster]) -> Iterable[Problem]:
    seen: dict[tuple[Environment, str], str] = {}
    for cluster in clusters:
        for i, zone in enumerate(cluster.spec.zones):
            owner = seen.setdefault((cluster.spec.environment, zone), f"{cluster.name} (zone {i + 1})")
            if owner != f"{cluster.name} (zone {i + 1})":
                yield Problem(
                    "facts/zone",
                    cluster.name,
                    ("spec", "zones", i),
                    f"zone '{zone}' is already {owner}",
                    "zone names label nodes; spreading over zones counts distinct names",
                    "give each zone its own name",
                )
