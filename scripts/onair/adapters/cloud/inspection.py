"""Inspects what is really there: every rule of the audit, the flow matrix, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onair.adapters.cloud import read_back
from onair.adapters.cloud.build import Estate
from onair.core.cloud import flows, rights
from onair.core.cloud.audit import judge
from onair.core.cloud.facts import Right
from onair.core.cloud.names import ONCE, rule_of
from onair.core.finding import Finding


def audit(estate: Estate) -> list[Finding]:
    """Return what is wrong with what is really there."""
    platform = estate.facts.platform.spec.model_dump(by_alias=True)
    regions = {
        each.spec.cloud_region: rule_of(platform, str(each.spec.region)).tags for each in estate.facts.in_cloud()
    }
    seen = read_back.snapshot(estate.place, estate.region, regions)
    matrix = flows.wanted(estate.spec.flows, platform["edge"])
    found = list(judge(seen))
    for region in regions:
        network = ([each for each in seen[kind] if each["region"] == region] for kind in ("groups", "tables", "acls"))
        found += flows.compare(region, matrix, flows.Network(*network))
    return [*found, *rights.judge(_rights(estate, platform), seen["roles"])]


def _rights(estate: Estate, platform: Mapping[str, Any]) -> list[Right]:
    """Return who may do what, for every region; what names no region stands once."""
    found: list[Right] = []
    for each in estate.facts.in_cloud():
        fields = {
            "account": estate.place.account,
            "cloud_region": each.spec.cloud_region,
            "peer": _prefix(platform, str(estate.facts.clusters[each.spec.peer].spec.region)),
            "prefix": _prefix(platform, str(each.spec.region)),
            "shared": _prefix(platform),
        }
        filled = [right.of(**fields) for right in estate.spec.rights]
        found += [right for right in filled if right not in found]
    return found


def _prefix(platform: Mapping[str, Any], region: str = ONCE) -> str:
    """Return what a region's names begin with, or those of what exists once."""
    return rule_of(platform, region).name("").rstrip("-")
