"""The plan of addresses: no two ranges meet, whatever the facts are, and the document is fresh."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.cloud import facts_file as cloud_file
from onair.cli.ip import DOCUMENT
from onair.core.cloud import ip_plan
from onair.core.cloud.facts import Part
from onair.core.facts import Environment

ROOT = Path(__file__).resolve().parents[3]
FACTS = facts_file.read(ROOT)
SPEC = cloud_file.read(ROOT, FACTS)
CLOUD = [cluster for cluster in FACTS.clusters.values() if cluster.spec.environment is Environment.PROD]


def meeting(ranges: Sequence[IPv4Network]) -> list[tuple[IPv4Network, IPv4Network]]:
    return [(a, b) for a, b in combinations(ranges, 2) if a.overlaps(b)]


def test_no_subnet_of_any_cluster_meets_another() -> None:
    ranges = [subnet.range for cluster in CLOUD for subnet in ip_plan.subnets(SPEC, cluster)]
    assert len(ranges) == len(CLOUD) * len(SPEC.subnets) * 3
    assert meeting(ranges) == []


@given(st.integers(8, 20), st.data())
def test_distinct_parts_never_meet_and_stay_inside(prefix: int, data: st.DataObject) -> None:
    whole = IPv4Network(f"10.0.0.0/{prefix}")
    parts = 2 ** data.draw(st.integers(1, 4))
    chosen = data.draw(st.sets(st.integers(0, parts - 1), min_size=1))
    ranges = [Part(of="nodes", parts=parts, part=each).range(whole) for each in chosen]
    assert meeting(ranges) == []
    assert all(each.subnet_of(whole) for each in ranges)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(25, 30)), max_size=6))
def test_free_and_taken_make_the_whole_and_never_meet(places: list[tuple[int, int]]) -> None:
    whole = IPv4Network("10.0.0.0/24")
    taken = [IPv4Network((int(whole.network_address) + place, prefix), strict=False) for place, prefix in places]
    left = ip_plan.free(whole, taken)
    assert all(not rest.overlaps(each) for rest in left for each in taken)
    used = {address for each in taken for address in each}
    assert sum(rest.num_addresses for rest in left) + len(used) == whole.num_addresses


def test_the_document_is_fresh() -> None:
    wanted = ip_plan.markdown(FACTS.platform.spec, SPEC, FACTS.clusters)
    assert (ROOT / DOCUMENT).read_text() == wanted, "run: onair ip --write"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("part: 1}\n    web: ", "part: 0}\n    web: ", "cluster overlaps public"),
        ("azure: 10.68.0.0/16", "azure: 10.66.0.0/16", "azure 10.66.0.0/16 overlaps pools.prod"),
        ("home: prod-kr", "home: local-kr", "home 'local-kr' is no cluster in the cloud"),
        ("db: {of: nodes, parts: 8", "db: {of: nodes, parts: 7", "7 is no power of two"),
        ("db: {of: nodes, parts: 8, part: 4}", "db: {of: nodes, parts: 4096, part: 4000}", "smaller than /28"),
        ("{from: edge, to: lb", "{from: edge, to: lbb", "there is no peer 'lbb'"),
        ("natPerZone: false", "natPerZones: false", "natPerZones"),
        ("apiVersion: onair.dev/v1", "apiVersion: [", "not YAML"),
    ],
)
def test_wrong_facts_are_told(house: Path, old: str, new: str, told: str) -> None:
    file = house / ip_plan.FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    found = findings_of(lambda: cloud_file.read(house, facts_file.read(house)))
    assert told in " ".join(each.what for each in found)
    assert all(each.file == ip_plan.FILE for each in found)
