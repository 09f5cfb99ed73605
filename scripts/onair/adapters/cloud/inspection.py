"""Inspects what is really there: every rule of the audit, the flow matrix, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator

from onair.adapters.cloud import read_back
from onair.adapters.cloud.build import Estate
from onair.core.cloud import flows, rights
from onair.core.cloud.audit import judge
from onair.core.cloud.facts import Right
from onair.core.facts import ClusterSpec, Environment
from onair.core.finding import Finding
from onair.core.gate.naming import Convention, convention

ONCE = "global"
"""What stands for the region in names of what exists once."""


def audit(estate: Estate) -> list[Finding]:
    """Return what is wrong with what is really there."""
    regions = {each.cloud_region: _named(estate, str(each.region)).tags for each in _clusters(estate)}
    seen = read_back.snapshot(estate.place, estate.region, regions)
    matrix = flows.wanted(estate.spec.flows, estate.facts.platform.spec.edge.model_dump(by_alias=True))
    found = list(judge(seen))
    for region in regions:
        network = ([each for each in seen[kind] if each["region"] == region] for kind in ("groups", "tables", "acls"))
        found += flows.compare(region, matrix, flows.Network(*network))
    return [*found, *rights.judge(_rights(estate), seen["roles"])]


def _clusters(estate: Estate) -> Iterator[ClusterSpec]:
    return (each.spec for each in estate.facts.clusters.values() if each.spec.environment is Environment.PROD)


def _named(estate: Estate, region: str) -> Convention:
    platform = estate.facts.platform.spec.model_dump(by_alias=True)
    return convention(platform, {"environment": str(Environment.PROD), "region": region})


def _rights(estate: Estate) -> list[Right]:
    """Return who may do what, for every region; what names no region stands once."""
    shared = _named(estate, ONCE).name("").rstrip("-")
    found: list[Right] = []
    for each in _clusters(estate):
        fields = {
            "account": estate.place.account,
            "cloud_region": each.cloud_region,
            "prefix": _named(estate, str(each.region)).name("").rstrip("-"),
            "shared": shared,
        }
        filled = [right.of(**fields) for right in estate.spec.rights]
        found += [right for right in filled if right not in found]
    return found
