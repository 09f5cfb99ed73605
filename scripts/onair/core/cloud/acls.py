"""What the network ACLs of a network let pass: they know subnets, not groups, and both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

Body = Mapping[str, Any]
STANDS_IN = {
    "web": ("web", "web-pods"),
    "was": ("was", "was-pods"),
    **dict.fromkeys(("lb", "endpoints", "bastion"), ("cluster",)),
}
"""Tiers of subnets that a peer stands in, where they are not called as it is."""
ANSWERS = (32768, 60999)
"""Ports that Linux opens connections from: an answer must come back to them."""


def passing(acls: Sequence[Body], source: str, to: str, port: int) -> bool:
    """Return whether a connection by TCP passes between all subnets of two peers, and its answers too.

    Parameters
    ----------
    acls
        As AWS describes them; ``Subnets`` are their subnets: tier and range.
    port
        0 for every port.
    """
    pairs = [
        (here, there, far["CidrBlock"], near["CidrBlock"])
        for there, far in _subnets(acls, to)
        for here, near in _subnets(acls, source)
        if far["CidrBlock"] != near["CidrBlock"]  # within a subnet nothing asks its ACL
    ]
    ports = range(1, 65536, 4096) if port == 0 else (port,)
    return bool(pairs) and all(
        _lets(here, far, each, egress=True)
        and _lets(there, near, each, egress=False)
        and all(_lets(there, near, back, egress=True) and _lets(here, far, back, egress=False) for back in ANSWERS)
        for here, there, far, near in pairs
        for each in ports
    )


def _subnets(acls: Sequence[Body], peer: str) -> Iterator[tuple[Body, Body]]:
    tiers = STANDS_IN.get(peer, (peer,))
    for acl in acls:
        for subnet in acl["Subnets"]:
            if subnet["Tier"] in tiers:
                yield acl, subnet


def _lets(acl: Body, cidr: str, port: int, *, egress: bool) -> bool:
    """Return what the first rule that fits says; where none fits, nothing passes."""
    for rule in sorted(acl["Entries"], key=lambda each: int(each["RuleNumber"])):
        if rule["Egress"] == egress and _fits(rule, cidr, port):
            return bool(rule["RuleAction"] == "allow")
    return False


def _fits(rule: Body, cidr: str, port: int) -> bool:
    if str(rule["Protocol"]) not in ("6", "tcp", "-1") or not rule.get("CidrBlock"):
        return False
    if not IPv4Network(cidr).subnet_of(IPv4Network(rule["CidrBlock"])):
        return False
    ports = rule.get("PortRange")
    return not ports or int(ports["From"]) <= port <= int(ports["To"])
