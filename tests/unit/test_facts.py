from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from support import findings_of

from onair.adapters.facts_file import read
from onair.core.facts import Environment

KR = "clusters/local-kr/facts/cluster.yaml"
PLATFORM = "clusters/platform/platform.yaml"

# case | text of local-kr or platform | becomes | rule of the finding | field it names
BAD = [
    [cell.strip() for cell in row.split("|")]
    for row in r"""
unknown region  | region: kr               | region: jp                | enum            | region
wrong type      | zones: [kr-a, kr-b]      | zones: kr-a               | list-type       | zones
unknown key     | currency: KRW            | curency: KRW              | extra-forbidden | curency
timezone        | timezone: Asia/Seoul     | timezone: Asia/Seol       | value-error     | timezone
host bits       | nodes: 10.61.0.0/24      | nodes: 10.61.0.7/24       | ip-v4-network   | network.nodes
nesting         | nodes: 10.61.0.0/24      | nodes: 10.62.0.0/24       | outside         | network.nodes
small nodes     | nodes: 10.61.0.0/24      | nodes: 10.61.0.0/28       | room            | network.nodes
small pods      | pods: 10.61.64.0/18      | pods: 10.61.64.0/24       | room            | network.pods
own overlap     | services: 10.61.128.0/20 | services: 10.61.64.0/20   | overlap         | network.services
dns outside     | dns: 10.61.128.10        | dns: 10.61.0.10           | dns             | network.dns
dns taken       | dns: 10.61.128.10        | dns: 10.61.128.1          | dns             | network.dns
no such peer    | peer: local-us           | peer: local-jp            | peer            | peer
peer elsewhere  | peer: local-us           | peer: prod-us             | peer            | peer
zone twice      | zones: [kr-a, kr-b]      | zones: [kr-b, kr-b]       | zone            | zones
name and folder | name: local-kr           | name: local-jp            | name            | metadata.name
key twice       | peer: local-us           | peer: local-us\n  peer: a | duplicate       | 'peer'
no YAML         | zones: [kr-a             | zones: [[kr-a             | yaml            | not YAML
port            | gitPort: 8418            | gitPort: 84180            | less-than-equal | hub.gitPort
hub address     | address: 10.60.0.10      | address: 10.61.0.10       | outside         | hub.address
pools           | prod: 10.64.0.0/14       | prod: 10.60.0.0/14        | overlap         | pools.prod
edge port       | local-kr: 8444           | local-jp: 8444            | edge-port       | edge.regionPorts
tiny services   | services: 10.61.128.0/20 | services: 10.61.128.0/31  | room            | network.services
""".strip().splitlines()
]


def line_of(file: Path, text: str) -> int:
    return next(i for i, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_the_repositorys_facts_are_sound(root: Path) -> None:
    facts = read(root)
    assert sorted(facts.clusters) == ["local-kr", "local-us", "prod-kr", "prod-us"]
    assert [cluster.name for cluster in facts.local()] == ["local-kr", "local-us"]
    assert facts.platform.spec.domains.of(Environment.LOCAL) == "onair.test"


def test_addresses_follow_from_the_ranges(root: Path) -> None:
    cluster = read(root).cluster("local-us")
    assert cluster.router == IPv4Address("10.62.0.1")
    assert cluster.control_plane == IPv4Address("10.62.0.10")
    assert cluster.api_service == IPv4Address("10.62.128.1")
    assert [(node.name, node.zone, str(node.address)) for node in cluster.nodes] == [
        ("local-us-a", "us-a", "10.62.0.21"),
        ("local-us-b", "us-b", "10.62.0.22"),
    ]
    assert [node.pods for node in cluster.nodes] == [
        IPv4Network("10.62.64.0/24"),
        IPv4Network("10.62.65.0/24"),
    ]


@pytest.mark.parametrize("case", BAD, ids=[case[0] for case in BAD])
def test_a_bad_fact_is_named_with_its_line(house: Path, case: list[str]) -> None:
    _, old, new, rule, field = case
    (file,) = (name for name in (KR, PLATFORM) if (house / name).read_text().count(old) == 1)
    spoiled, new = house / file, new.replace("\\n", "\n")
    text = spoiled.read_text()
    spoiled.write_text(text.replace(old, new))
    found = [f for f in findings_of(lambda: read(house)) if f.rule == f"facts/{rule}" and field in f.what]
    assert found, "the fault is not among the findings"
    assert found[0].file == file
    assert found[0].mend
    if rule != "yaml":  # the parser stops where it no longer understands, not at the cause
        last = new.splitlines()[-1]
        expected = {line_of(spoiled, last)} | ({line_of(spoiled, "regionPorts")} if "Ports" in field else set())
        assert found[0].line in expected


def test_a_missing_region_points_at_its_parent(house: Path) -> None:
    file = house / KR
    file.write_text(file.read_text().replace("  region: kr\n", ""))
    (found,) = (f for f in findings_of(lambda: read(house)) if f.rule == "facts/missing")
    assert (found.what, found.mend) == ("spec.region is missing", "add `region:`")
    assert found.where == f"{KR}:{line_of(file, 'spec:')}"


def test_overlapping_clusters(house: Path) -> None:
    file = house / KR
    file.write_text(file.read_text().replace("cidr: 10.61.0.0/16", "cidr: 10.60.0.0/14"))
    rules = [(f.rule, f.file) for f in findings_of(lambda: read(house))]
    assert ("facts/overlap", "clusters/local-us/facts/cluster.yaml") in rules
    assert ("facts/overlap", KR) in rules  # with the hub


def test_all_faults_are_told_at_once(house: Path) -> None:
    (house / PLATFORM).unlink()
    file = house / KR
    file.write_text(file.read_text().replace("region: kr", "region: jp").replace("currency: KRW", "currency: won"))
    found = findings_of(lambda: read(house))
    assert {f.rule for f in found} >= {"facts/missing-file", "facts/enum", "facts/string-pattern-mismatch"}


def test_an_unknown_cluster_lists_the_known(root: Path) -> None:
    (found,) = findings_of(lambda: read(root).cluster("local-jp"))
    assert "local-jp" in found.what
    assert "local-kr, local-us, prod-kr, prod-us" in found.mend
