from collections import Counter
from ipaddress import IPv4Interface, IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onair.adapters.facts_file import read
from onair.core.facts import Cluster, Network, Platform
from onair.core.facts_check import problems
from onair.core.topology import HUB, ROOT, End, Topology, edge_link, netns, node_netns, plan

FACTS = read(Path(__file__).resolve().parents[2])
LONGEST_DEVICE = 15  # IFNAMSIZ less its end


def part(draw: st.DrawFn, cidr: IPv4Network, quarter: int, prefix: int) -> IPv4Network:
    """Draw a range of this size somewhere in a quarter of ``cidr``."""
    (container,) = [list(cidr.subnets(prefixlen_diff=2))[quarter]]
    count = 2 ** (prefix - container.prefixlen)
    return IPv4Network((int(container.network_address) + draw(st.integers(0, count - 1)) * 2 ** (32 - prefix), prefix))


@st.composite
def clusters(draw: st.DrawFn) -> list[Cluster]:
    """Two local clusters of any valid ranges and two to six zones."""
    found = []
    cidrs = draw(st.permutations([IPv4Network(f"10.{n}.0.0/16") for n in (61, 62, 63)]))
    for cluster, cidr in zip(FACTS.local(), cidrs, strict=False):
        zones = [f"{cluster.spec.region}-{x}" for x in "abcdef"[: draw(st.integers(2, 6))]]
        services = part(draw, cidr, 2, draw(st.integers(18, 24)))
        network = Network(
            cidr=cidr,
            nodes=part(draw, cidr, 0, draw(st.integers(20, 27))),
            pods=part(draw, cidr, 1, draw(st.integers(18, 21))),
            services=services,
            dns=services[10],
        )
        spec = cluster.spec.model_copy(update={"zones": zones, "network": network})
        found.append(cluster.model_copy(update={"spec": spec}))
    return found


@st.composite
def platforms(draw: st.DrawFn) -> Platform:
    """The platform with its hub anywhere in its pool, of any size and address."""
    cidr = part(draw, IPv4Network("10.60.0.0/16"), draw(st.integers(0, 3)), draw(st.integers(20, 29)))
    address = cidr[draw(st.integers(0, cidr.num_addresses - 1))]
    hub = FACTS.platform.spec.hub.model_copy(update={"cidr": cidr, "address": address})
    return FACTS.platform.model_copy(update={"spec": FACTS.platform.spec.model_copy(update={"hub": hub})})


def ends(topology: Topology) -> list[End]:
    return [*topology.bridges, *(end for link in topology.links for end in (link.a, link.b))]


def addresses(topology: Topology) -> list[IPv4Interface]:
    return [end.address for end in ends(topology) if end.address]


@settings(deadline=None)
@given(platforms(), clusters())
def test_no_two_links_and_no_two_addresses_of_a_plan_overlap(platform: Platform, local: list[Cluster]) -> None:
    others = [cluster for cluster in FACTS.clusters.values() if cluster not in FACTS.local()]
    if problems(platform, [*local, *others]):
        return  # the facts are refused before anything is planned
    topology = plan(platform, local)
    found = Counter(address.ip for address in addresses(topology))
    assert [ip for ip, count in found.items() if count > 1] == []
    links = [link.a.address.network for link in topology.links if link.a.address]
    for link in topology.links:
        if link.a.address and link.b.address:
            assert link.a.address.network == link.b.address.network, link
            assert link.a.address.network.subnet_of(platform.spec.hub.cidr), link
            network = link.a.address.network
            assert not {link.a.address.ip, link.b.address.ip} & {network.network_address, network.broadcast_address}
    for one, other in combinations([*links, *(cluster.network.cidr for cluster in local)], 2):
        assert not one.overlaps(other), f"{one} overlaps {other}"


@settings(deadline=None)
@given(clusters())
def test_devices_are_named_once_and_routes_lead_to_neighbours(local: list[Cluster]) -> None:
    topology = plan(FACTS.platform, local)
    names = Counter((end.netns, end.device) for end in ends(topology))
    assert [name for name, count in names.items() if count > 1] == []
    assert all(len(device) <= LONGEST_DEVICE for _, device in names)
    assert {space for space, _ in names} == {ROOT, *topology.namespaces}
    near: dict[str, list[IPv4Network]] = {}
    for end in ends(topology):
        if end.address:
            near.setdefault(end.netns, []).append(end.address.network)
    for route in topology.routes:
        assert route.via is None or any(route.via in network for network in near[route.netns]), route


def test_a_zone_that_names_no_device_is_refused_before_it_is_planned() -> None:
    kr, us = FACTS.local()
    long = kr.spec.model_copy(update={"zones": ["kr-a", "a-zone-with-a-long-name"]})
    found = problems(FACTS.platform, [kr.model_copy(update={"spec": long}), us])
    assert [problem.path for problem in found] == [("spec", "zones", 1)]


def test_a_cut_between_the_regions_is_not_healed_by_way_of_the_hub() -> None:
    kr, us = FACTS.local()
    for here, there in ((kr, us), (us, kr)):
        wanted = netns(here, "router"), there.network.cidr
        found = [r for r in plan(FACTS.platform, [kr, us]).routes if (r.netns, r.destination) == wanted]
        assert {(r.via is None, r.metric) for r in found} == {(False, 0), (True, 1000)}, "no refusal behind the route"


def test_every_link_can_be_cut_alone() -> None:
    topology = plan(FACTS.platform, FACTS.local())
    for cluster in FACTS.local():
        edge = topology.link(edge_link(cluster))
        assert {edge.a.netns, edge.b.netns} == {HUB, netns(cluster, "router")}
        assert {topology.link(f"management:{cluster.name}").a.netns} == {ROOT}
        for node in cluster.nodes:
            assert topology.link(f"node:{node.name}").b.netns == node_netns(node)
    assert topology.link("inter-region:local-kr:local-us")
    with pytest.raises(KeyError, match=r"no link 'edge:local-jp'; there are: edge:local-kr, edge:local-us"):
        topology.link("edge:local-jp")
