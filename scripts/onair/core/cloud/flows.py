"""Who may talk to whom: the flow matrix of ``clusters/platform/cloud.yaml`` against what decides in a network.

A line of the matrix is open where its source's security group lets it out, its target's lets it in, the network ACLs
of both let it pass, and, to the internet, a route leads there. What is open and in no line is found, and a line that is
shut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from onair.core.cloud.acls import passing
from onair.core.cloud.facts import Flow
from onair.core.finding import Finding

Body = Mapping[str, Any]
EVERYONE = ("0.0.0.0/0", "::/0")
EDGE, INTERNET, ENDPOINTS = "edge", "internet", "endpoints"
"""Peers that are no group: CloudFront's addresses, everything outside, and AWS's services through their gateways."""
WHY = "a broken-in service gets that far"


class Allowed(NamedTuple):
    """One way that is open; ``port`` is 0 for all ports, or for several."""

    source: str
    to: str
    port: int

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        return f"{self.source} may talk to {self.to} on port {self.port or 'any'}"


class Network(NamedTuple):
    """What decides in one region's network, as AWS describes it."""

    groups: Sequence[Body]
    tables: Sequence[Body] = ()
    acls: Sequence[Body] = ()


def wanted(flows: Iterable[Flow], ports: Mapping[str, Any]) -> set[Allowed]:
    """Return the matrix, with ports as numbers; ``ports`` resolves names (``edge`` of the platform's facts)."""
    return {
        Allowed(flow.source, flow.to, 0 if flow.port == "any" else int(ports.get(str(flow.port), flow.port)))
        for flow in flows
    }


def opened(groups: Sequence[Body]) -> Iterator[Allowed]:
    """Iterate over the ways into the groups of one network; a peer that is no group of ours is told by its address."""
    for group in groups:
        for peer, port in _peers(groups, group["IpPermissions"]):
            # The load balancer's list of addresses is CloudFront's.
            yield Allowed(EDGE if peer.startswith("pl-") and group["Tier"] == "lb" else peer, group["Tier"], port)


def let_out(groups: Sequence[Body]) -> Iterator[Allowed]:
    """Iterate over the ways out of the groups of one network; a list of addresses is a gateway to AWS's services."""
    for group in groups:
        for peer, port in _peers(groups, group.get("IpPermissionsEgress", ())):
            to = ENDPOINTS if peer.startswith("pl-") else INTERNET if peer in EVERYONE else peer
            yield Allowed(group["Tier"], to, port)


def _peers(groups: Sequence[Body], rules: Iterable[Body]) -> Iterator[tuple[str, int]]:
    names = {each["GroupId"]: each["Tier"] for each in groups}
    for rule in rules:
        first, last = rule.get("FromPort"), rule.get("ToPort")
        port = int(first) if rule["IpProtocol"] != "-1" and first is not None and first == last else 0
        for pair in rule.get("UserIdGroupPairs", ()):
            yield names.get(pair["GroupId"], pair["GroupId"]), port
        for prefix in rule.get("PrefixListIds", ()):
            yield prefix["PrefixListId"], port
        for address in (*rule.get("IpRanges", ()), *rule.get("Ipv6Ranges", ())):
            yield address.get("CidrIp") or address["CidrIpv6"], port


def compare(region: str, matrix: set[Allowed], network: Network) -> Iterator[Finding]:
    """Find ways that are open and in no line of the matrix, and lines that are shut somewhere on their way."""
    into, out = set(opened(network.groups)), set(let_out(network.groups))
    for each in sorted((into | out) - matrix):
        where = "in" if each in into else "out"
        yield _open(f"{region}: {each}: a security group lets it {where}")
    for each in sorted(matrix):
        for fault in _shut(each, into, out, network):
            what = f"{region}: {each} by the matrix, but {fault}"
            yield Finding(
                rule="cloud/flow-shut", what=what, why="something waits for it", mend="build again: onair cloud up"
            )
    if network.acls:
        yield from _too_wide(region, matrix, network)


def _open(what: str) -> Finding:
    why = f"the flow matrix has no such line: {WHY}"
    return Finding(rule="cloud/flow-open", what=what, why=why, mend="close it, or write the line into cloud.yaml")


def _shut(flow: Allowed, into: set[Allowed], out: set[Allowed], network: Network) -> Iterator[str]:
    if flow.to != INTERNET and flow not in into:
        yield "no security group lets it in"
    if flow.source != EDGE and flow not in out:
        yield "no security group lets it out"
    if flow.to == INTERNET and network.tables:
        for table in network.tables:
            if table["Tier"] == "private" and not _default(table):
                yield f"{table['id']} has no route to it"
    elif network.acls and flow.source != EDGE and not passing(network.acls, *flow):
        yield "a network ACL stops it"


def _default(table: Body) -> bool:
    return any(each.get("DestinationCidrBlock") == EVERYONE[0] and each.get("NatGatewayId") for each in table["Routes"])


def _too_wide(region: str, matrix: set[Allowed], network: Network) -> Iterator[Finding]:
    """Find tiers that the ACLs let reach the databases, though no line of the matrix does."""
    for port in sorted({each.port for each in matrix if each.to == "db"}):
        # Two peers stand in the same subnets, and an ACL knows subnets alone.
        lines = {each.source for each in matrix if each.to == "db" and each.port == port}
        for source in ("web", "public"):
            if source not in lines and passing(network.acls, source, "db", port):
                yield _open(f"{region}: {Allowed(source, 'db', port)}: the network ACLs let it pass")


def public_ingress(group: Body) -> str:
    """Return what of a security group the whole world may reach."""
    for rule in group["IpPermissions"]:
        for address in (*rule.get("IpRanges", ()), *rule.get("Ipv6Ranges", ())):
            if (address.get("CidrIp") or address.get("CidrIpv6")) in EVERYONE:
                return f"port {rule.get('FromPort', 'any')} is open to the world"
    return ""
