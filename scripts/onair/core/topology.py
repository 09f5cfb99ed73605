"""The network of the local regions: a pure plan of namespaces, links, addresses and routes.

Everything is derived from ``clusters/``; :mod:`onair.adapters.local.network` makes it so. A link has a name,
so that a drill (or a person) can cut exactly that one and heal it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from onair.core.facts import Cluster, Node, Platform

ROOT = ""
"""Name of the machine's own network namespace in a plan."""
HUB = "onair-hub"
"""Namespace of what the regions see as the internet: git server and registry."""


@dataclass(frozen=True)
class End:
    """One end of a link: the interface ``device`` in ``netns``, with an address or as a port of a bridge."""

    netns: str
    device: str
    address: IPv4Interface | None = None
    bridge: str | None = None


@dataclass(frozen=True)
class Link:
    """A pair of connected interfaces (veth) that can be cut alone."""

    name: str
    a: End
    b: End


@dataclass(frozen=True)
class Route:
    """A static route in ``netns``; without ``via`` the destination is refused (`unreachable`)."""

    netns: str
    destination: IPv4Network
    via: IPv4Address | None
    metric: int = 0


@dataclass(frozen=True)
class Topology:
    """The whole plan, in the order in which it is built."""

    namespaces: list[str] = field(default_factory=list)
    bridges: list[End] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)

    def link(self, name: str) -> Link:
        """Return the link ``name``.

        Raises
        ------
        KeyError
            If there is no such link; the message lists those that exist.
        """
        for link in self.links:
            if link.name == name:
                return link
        raise KeyError(f"no link {name!r}; there are: {', '.join(sorted(x.name for x in self.links))}")


def netns(cluster: Cluster, role: str) -> str:
    """Return the namespace of ``role`` (router, control) in a cluster."""
    return f"onair-{cluster.name}-{role}"


def node_netns(node: Node) -> str:
    """Return the namespace of a node."""
    return f"onair-{node.name}"


def edge_link(cluster: Cluster) -> str:
    """Return the name of the link that viewers, git and images come through."""
    return f"edge:{cluster.name}"


def management_address(platform: Platform, index: int) -> tuple[IPv4Interface, IPv4Interface]:
    """Return both addresses (machine, control plane) of the management link of cluster ``index``."""
    return _pair(platform.spec.hub.cidr, 192, index)


def plan(platform: Platform, clusters: list[Cluster]) -> Topology:
    """Return the network of the local clusters.

    Parameters
    ----------
    platform
        Facts of the platform; ``hub.cidr`` (a /24) also holds the link networks: edge links from offset 64,
        inter-region links from 128, management links from 192, four addresses each.
    clusters
        The local clusters, in a fixed order (their place decides the link addresses).
    """
    topology = Topology(namespaces=[HUB])
    hub = platform.spec.hub
    machine, inside = IPv4Interface(f"{hub.cidr.network_address + 1}/28"), IPv4Interface(f"{hub.address}/28")
    topology.links.append(Link("hub", End(ROOT, "onair-hub", machine), End(HUB, "machine", inside)))
    for index, cluster in enumerate(clusters):
        _region(topology, platform, cluster, index, inside.ip)
    _between_regions(topology, platform, clusters)
    return topology


def _region(topology: Topology, platform: Platform, cluster: Cluster, index: int, hub: IPv4Address) -> None:
    network, router, control = cluster.spec.network, netns(cluster, "router"), netns(cluster, "control")
    lan = IPv4Interface(f"{cluster.router}/{network.nodes.prefixlen}")
    topology.namespaces.extend([router, control, *(node_netns(node) for node in cluster.nodes)])
    topology.bridges.append(End(router, "lan", lan))
    hub_end, region_end = _pair(platform.spec.hub.cidr, 64, index)
    machine_end, control_end = management_address(platform, index)
    links, routes = topology.links, topology.routes
    links.append(
        Link(
            edge_link(cluster),
            End(HUB, f"edge-{cluster.spec.region}", hub_end),
            End(router, "edge", region_end),
        )
    )
    links.append(
        Link(
            f"management:{cluster.name}",
            End(ROOT, f"onair-{cluster.spec.region}", machine_end),
            End(control, "mgmt", control_end),
        )
    )
    hosts = [(control, "control", cluster.control_plane)]
    hosts += [(node_netns(node), node.zone, node.address) for node in cluster.nodes]
    for space, port, address in hosts:
        end = End(space, "eth0", IPv4Interface(f"{address}/{network.nodes.prefixlen}"))
        links.append(Link(f"node:{space.removeprefix('onair-')}", End(router, port, bridge="lan"), end))
        routes.append(Route(space, IPv4Network("0.0.0.0/0"), cluster.router))
    for node in cluster.nodes:
        routes += [Route(space, node.pods, node.address) for space, *_ in hosts if space != node_netns(node)]
        routes.append(Route(router, node.pods, node.address))
    routes.append(Route(router, IPv4Network("0.0.0.0/0"), hub_end.ip))
    routes.append(Route(HUB, network.cidr, region_end.ip))
    routes.append(Route(ROOT, network.cidr, hub))


def _between_regions(topology: Topology, platform: Platform, clusters: list[Cluster]) -> None:
    pairs = [(a, b) for i, a in enumerate(clusters) for b in clusters[i + 1 :] if b.name == a.spec.peer]
    for index, (a, b) in enumerate(pairs):
        left, right = _pair(platform.spec.hub.cidr, 128, index)
        ra, rb = netns(a, "router"), netns(b, "router")
        name = f"inter-region:{a.name}:{b.name}"
        ends = End(ra, f"peer-{b.spec.region}", left), End(rb, f"peer-{a.spec.region}", right)
        topology.links.append(Link(name, *ends))
        for space, far, via in ((ra, b, right.ip), (rb, a, left.ip)):
            topology.routes.append(Route(space, far.spec.network.cidr, via))
            # Without this, a cut inter-region link would be healed silently by way of the hub.
            topology.routes.append(Route(space, far.spec.network.cidr, None, metric=1000))


def _pair(cidr: IPv4Network, offset: int, index: int) -> tuple[IPv4Interface, IPv4Interface]:
    base = cidr.network_address + offset + 4 * index
    return IPv4Interface(f"{base + 1}/30"), IPv4Interface(f"{base + 2}/30")
