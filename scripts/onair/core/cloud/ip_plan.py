"""The plan of addresses: every range on every cloud and the premises, what it is for, and what of it is free.

Terraform computes the same subnets out of the same facts (``terraform/modules/facts``); a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, collapse_addresses
from itertools import combinations
from typing import NamedTuple

from onair.core.cloud.facts import CloudSpec
from onair.core.facts import Cluster, Environment, PlatformSpec
from onair.core.finding import Finding

RESERVED = 5
"""Addresses of a subnet that AWS keeps: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""
ZONE_PARTS_BITS = 2
"""A zone's subnet is a quarter of its tier: up to four zones, of one size, and none moves when one is added."""
FILE = "clusters/platform/cloud.yaml"


class Subnet(NamedTuple):
    """A subnet of a cluster.

    Attributes
    ----------
    name
        ``<tier>-<zone letter>``, as in its Name tag.
    """

    name: str
    tier: str
    zone: str
    range: IPv4Network

    @property
    def hosts(self) -> int:
        """Addresses that something can have."""
        return self.range.num_addresses - RESERVED


class Row(NamedTuple):
    """A line of the plan.

    Attributes
    ----------
    depth
        0 for a pool, 1 for a cluster, 2 for a range of it, 3 for a tier.
    free
        Parts of the range that nothing is planned in; empty for the innermost.
    """

    depth: int
    what: str
    range: IPv4Network
    free: tuple[IPv4Network, ...] = ()


def subnets(spec: CloudSpec, cluster: Cluster) -> list[Subnet]:
    """Return the subnets of a cluster, tier by tier and zone by zone.

    Raises
    ------
    ValueError
        A range is too small for its parts.
    """
    found = []
    for tier, part in spec.subnets.items():
        quarters = part.range(getattr(cluster.network, part.of)).subnets(prefixlen_diff=ZONE_PARTS_BITS)
        for zone, quarter in zip(cluster.spec.zones, quarters, strict=False):
            found.append(Subnet(f"{tier}-{zone[-1]}", tier, zone, quarter))
    return found


def rows(platform: PlatformSpec, spec: CloudSpec, clusters: Mapping[str, Cluster]) -> Iterator[Row]:
    """Iterate over the plan, from the pools down to the tiers."""
    for environment in Environment:
        members = [each for _, each in sorted(clusters.items()) if each.spec.environment is environment]
        taken = [each.network.cidr for each in members]
        if environment is Environment.LOCAL:
            taken.append(platform.hub.cidr)
        pool = platform.pools.of(environment)
        yield Row(0, f"pool {environment}", pool, free(pool, taken))
        if environment is Environment.LOCAL:
            yield Row(1, "hub", platform.hub.cidr)
        for cluster in members:
            yield from _of_cluster(spec, cluster)
    for name, reserved in sorted(spec.reserved.items()):
        yield Row(0, f"reserved for {name}", reserved, (reserved,))


def _of_cluster(spec: CloudSpec, cluster: Cluster) -> Iterator[Row]:
    network = cluster.network
    parts = {"nodes": network.nodes, "pods": network.pods, "services": network.services}
    where = f"{cluster.name} ({cluster.spec.cloud_region})"
    yield Row(1, where, network.cidr, free(network.cidr, list(parts.values())))
    in_cloud = cluster.spec.environment is Environment.PROD
    for name, range_ in parts.items():
        tiers = {tier: part.range(range_) for tier, part in spec.subnets.items() if in_cloud and part.of == name}
        yield Row(2, name, range_, free(range_, list(tiers.values())) if tiers else ())
        for tier, tier_range in tiers.items():
            yield Row(
                3, tier, tier_range, free(tier_range, [s.range for s in subnets(spec, cluster) if s.tier == tier])
            )


def free(whole: IPv4Network, taken: Sequence[IPv4Network]) -> tuple[IPv4Network, ...]:
    """Return what of ``whole`` is in none of ``taken``, in as few ranges as possible."""
    left = [whole]
    for each in taken:
        left = [
            rest
            for part in left
            for rest in (
                part.address_exclude(each)
                if each.subnet_of(part) and each != part
                else ()
                if part.subnet_of(each)
                else (part,)
            )
        ]
    return tuple(collapse_addresses(left))


def problems(platform: PlatformSpec, spec: CloudSpec, clusters: Mapping[str, Cluster]) -> Iterator[Finding]:
    """Find tiers that meet, ranges too small for them, zones without a subnet, and reserved ranges in use."""
    for (one, a), (other, b) in combinations(spec.subnets.items(), 2):
        if a.of == b.of and a.range(_ANY).overlaps(b.range(_ANY)):
            yield _finding(f"subnets: {other} overlaps {one}", "choose a free part")
    for name, cluster in sorted(clusters.items()):
        if cluster.spec.environment is not Environment.PROD:
            continue
        if len(cluster.spec.zones) > 2**ZONE_PARTS_BITS:
            yield _finding(f"{name} has {len(cluster.spec.zones)} zones, a tier has four parts", "use fewer zones")
        for tier, part in spec.subnets.items():
            whole: IPv4Network = getattr(cluster.network, part.of)
            prefix = whole.prefixlen + part.parts.bit_length() - 1 + ZONE_PARTS_BITS
            if prefix > 28:  # the smallest subnet that AWS takes, see RESERVED
                mend = f"widen {part.of} of clusters/{name}, or cut it into fewer parts"
                yield _finding(f"{name}: subnets of {tier} would be /{prefix}, smaller than /28", mend)
    ranges = {"pools.local": platform.pools.local, "pools.prod": platform.pools.prod, **spec.reserved}
    for (one, first), (other, second) in combinations(ranges.items(), 2):
        if first.overlaps(second):
            yield _finding(f"{other} {second} overlaps {one} {first}", "choose a free range")
    if spec.home not in clusters or clusters[spec.home].spec.environment is not Environment.PROD:
        yield _finding(f"home {spec.home!r} is no cluster in the cloud", "name a cluster of environment prod")


_ANY = IPv4Network("10.0.0.0/8")


def _finding(what: str, mend: str) -> Finding:
    why = "two ranges that meet can never be routed; a live network's ranges cannot be changed"
    return Finding(rule="cloud/ip-plan", what=what, why=why, mend=mend, file=FILE)


def markdown(platform: PlatformSpec, spec: CloudSpec, clusters: Mapping[str, Cluster]) -> str:
    """Return the plan as the document that people read."""
    lines = [
        "# The plan of addresses",
        "",
        "Made by `onair ip --write` out of `clusters/`; a test compares it. No range is in another's way: the regions,",
        "another cloud and the premises can all be routed to each other.",
        "",
        "| range | for | addresses | free in it |",
        "| --- | --- | ---: | --- |",
    ]
    for row in rows(platform, spec, clusters):
        indent = "&nbsp;" * 4 * row.depth
        left = ", ".join(map(str, row.free)) or "none"
        lines.append(f"| {indent}{row.range} | {row.what} | {row.range.num_addresses:,} | {left} |")
    lines += ["", "A tier has a subnet in each zone, of one size; AWS keeps five addresses of each.", ""]
    lines += ["| cluster | subnet | zone | range | hosts |", "| --- | --- | --- | --- | ---: |"]
    for name, cluster in sorted(clusters.items()):
        if cluster.spec.environment is Environment.PROD:
            lines += [f"| {name} | {s.name} | {s.zone} | {s.range} | {s.hosts:,} |" for s in subnets(spec, cluster)]
    lines += ["", "How a cluster's range is divided (each sign is 1/64 of it; `·` is free):", "", "```"]
    for name, cluster in sorted(clusters.items()):
        if cluster.spec.environment is Environment.PROD:
            lines.append(f"{name} {cluster.network.cidr}")
            lines += _picture(spec, cluster)
    return "\n".join([*lines, "```", ""])


def _picture(spec: CloudSpec, cluster: Cluster) -> list[str]:
    network = cluster.network
    ranges = {f"{part.of[0]} {tier}": part.range(getattr(network, part.of)) for tier, part in spec.subnets.items()}
    marks = dict(zip(ranges, "PCWSDws", strict=False)) | {"services": "k"}
    ranges["services"] = network.services
    cells = list(network.cidr.subnets(prefixlen_diff=6))
    drawn = "".join(next((marks[n] for n, r in ranges.items() if r.overlaps(cell)), "·") for cell in cells)
    legend = ", ".join(f"{mark} {name.partition(' ')[2] or name}" for name, mark in marks.items())
    return [f"  {drawn[:32]}", f"  {drawn[32:]}", f"  {legend}"]
