"""Who may talk to whom: the flow matrix of ``clusters/platform/cloud.yaml`` against the security groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from onair.core.cloud.facts import Flow
from onair.core.finding import Finding

Body = Mapping[str, Any]
EVERYONE = ("0.0.0.0/0", "::/0")


class Allowed(NamedTuple):
    """One way that a security group's rule opens; ``port`` is 0 for all ports."""

    source: str
    to: str
    port: int


def wanted(flows: Iterable[Flow], ports: Mapping[str, Any]) -> set[Allowed]:
    """Return the matrix, with ports as numbers; ``ports`` resolves names (``edge`` of the platform's facts)."""
    return {
        Allowed(flow.source, flow.to, 0 if flow.port == "any" else int(ports.get(str(flow.port), flow.port)))
        for flow in flows
    }


def opened(groups: Sequence[Body]) -> Iterator[Allowed]:
    """Iterate over the ways into the groups of one network; a peer that is no group of ours is told by its address."""
    names = {each["GroupId"]: each["Tier"] for each in groups}
    for group in groups:
        for rule in group["IpPermissions"]:
            port = int(rule.get("FromPort") or 0) if rule["IpProtocol"] != "-1" else 0
            for pair in rule.get("UserIdGroupPairs", ()):
                yield Allowed(names.get(pair["GroupId"], pair["GroupId"]), group["Tier"], port)
            for prefix in rule.get("PrefixListIds", ()):
                yield Allowed("edge" if group["Tier"] == "lb" else prefix["PrefixListId"], group["Tier"], port)
            for address in (*rule.get("IpRanges", ()), *rule.get("Ipv6Ranges", ())):
                yield Allowed(address.get("CidrIp") or address["CidrIpv6"], group["Tier"], port)


def compare(region: str, matrix: set[Allowed], groups: Sequence[Body]) -> Iterator[Finding]:
    """Find ways that are open and in no line of the matrix, and lines that no rule opens."""
    internal = {each for each in matrix if each.to != "internet"}
    found = set(opened(groups))
    for each in sorted(found - internal):
        what = f"{region}: {each.source} may talk to {each.to} on port {each.port or 'any'}"
        why = "the flow matrix has no such line: a broken-in service gets that far"
        yield Finding(rule="cloud/flow-open", what=what, why=why, mend="close it, or write the line into cloud.yaml")
    for each in sorted(internal - found):
        what = f"{region}: {each.source} may not talk to {each.to} on port {each.port or 'any'}"
        why = "the flow matrix says that it does"
        yield Finding(rule="cloud/flow-shut", what=what, why=why, mend="build again: onair cloud up")


def public_ingress(group: Body) -> str:
    """Return what of a security group the whole world may reach."""
    for rule in group["IpPermissions"]:
        for address in (*rule.get("IpRanges", ()), *rule.get("Ipv6Ranges", ())):
            if (address.get("CidrIp") or address.get("CidrIpv6")) in EVERYONE:
                return f"port {rule.get('FromPort', 'any')} is open to the world"
    return ""
