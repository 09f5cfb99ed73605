"""The pools of nodes (infrastructure/nodes) are what the facts say of tiers and capacity."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLATFORM = yaml.safe_load((ROOT / "clusters/platform/platform.yaml").read_text())["spec"]
TIERS = set(yaml.safe_load((ROOT / "clusters/platform/cloud.yaml").read_text())["spec"]["subnets"])
BASE = ROOT / "infrastructure/nodes/base"
POOLS = {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all((BASE / "pools.yaml").read_text())}
CLASSES = {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all((BASE / "classes.yaml").read_text())}


def values(pool: dict[str, Any], key: str) -> list[str]:
    (found,) = [each["values"] for each in pool["template"]["spec"]["requirements"] if each["key"] == key]
    return list(found)


def test_a_pool_and_a_class_stand_for_each_tier_that_has_pods() -> None:
    assert POOLS.keys() == CLASSES.keys() == {tier for tier in TIERS if f"{tier}-pods" in TIERS}
    for tier, pool in POOLS.items():
        assert pool["template"]["metadata"]["labels"] == {"onair.dev/tier": tier}
        assert pool["template"]["spec"]["nodeClassRef"]["name"] == tier
        terms = {
            field: [term["tags"]["tier"] for term in found]
            for field, found in CLASSES[tier].items()
            if "Terms" in field
        }
        assert terms == {
            "subnetSelectorTerms": [tier],
            "podSubnetSelectorTerms": [f"{tier}-pods"],
            "securityGroupSelectorTerms": [tier],
            "podSecurityGroupSelectorTerms": [tier],
        }


@pytest.mark.parametrize("cluster", ["prod-kr", "prod-us"])
@pytest.mark.parametrize("tier", sorted(POOLS))
def test_a_pool_grows_to_what_the_gate_counts_on(cluster: str, tier: str) -> None:
    facts = yaml.safe_load((ROOT / f"clusters/{cluster}/facts/cluster.yaml").read_text())["spec"]
    room = PLATFORM["capacity"][facts["environment"]]
    assert values(POOLS[tier], "eks.amazonaws.com/instance-cpu") == [str(room["cpu"])]
    assert int(POOLS[tier]["limits"]["cpu"]) == room["nodesPerZone"] * len(facts["zones"]) * room["cpu"]


def test_only_one_tier_admits_everybody_and_only_the_other_has_spot_nodes() -> None:
    open_to_all = [tier for tier, pool in POOLS.items() if not pool["template"]["spec"].get("taints")]
    assert open_to_all == ["was"]
    assert {tier for tier, pool in POOLS.items() if "spot" in values(pool, "karpenter.sh/capacity-type")} == {"web"}
