"""What must fit together in Services and NetworkPolicies."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.gate.model import Body
from onair.core.gate.schema.parts import mapping, mappings
from onair.core.gate.schema.problem import Problem, dotted
from onair.core.gate.schema.values import network, whole

_NODE_PORTS = {"NodePort", "LoadBalancer"}


def service(body: Body) -> Iterator[Problem]:
    """Find what the API server refuses in a Service."""
    spec = mapping(body.get("spec"))
    kind, ports = str(spec.get("type", "ClusterIP")), list(mappings(spec.get("ports")))
    if kind == "ExternalName":
        if not spec.get("externalName"):
            what = "spec.type ExternalName needs spec.externalName"
            yield Problem(("spec",), "schema/service", what, "add `externalName:`")
    elif not ports and spec.get("clusterIP") != "None":
        yield Problem(("spec",), "schema/service", "spec.ports is missing", "add `ports:`, or `clusterIP: None`")
    elif "externalName" in spec:
        what = f"spec.externalName has no meaning for type {kind}"
        yield Problem(("spec", "externalName"), "schema/service", what, "remove it, or use type ExternalName")
    if spec.get("clusterIP") == "None" and kind != "ClusterIP":
        what = f"spec.clusterIP None contradicts type {kind}"
        yield Problem(("spec", "clusterIP"), "schema/service", what, "use type ClusterIP")
    yield from _ports(ports, kind)
    for key in ("externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerSourceRanges"):
        if key in spec and kind not in _NODE_PORTS:
            what = f"spec.{key} has no meaning for type {kind}"
            yield Problem(("spec", key), "schema/service", what, "remove it, or use type LoadBalancer")
    for position, each in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        yield from _range(each, ("spec", "loadBalancerSourceRanges", position))


def _ports(ports: list[tuple[int, Body]], kind: str) -> Iterator[Problem]:
    names: dict[str, int] = {}
    nodes: dict[object, int] = {}
    for position, port in ports:
        path, name = ("spec", "ports", position), str(port.get("name") or "")
        if len(ports) > 1 and not name:
            what = f"{dotted(path)} has no name, and there are several ports"
            yield Problem(path, "schema/port", what, "add `name:`")
        elif name and names.setdefault(name, position) != position:
            what = f"{dotted(path)}: the name {name} is also that of item {names[name]}"
            yield Problem((*path, "name"), "schema/duplicate", what, "name one port otherwise")
        node = port.get("nodePort")
        if node is not None and kind not in _NODE_PORTS:
            what = f"{dotted((*path, 'nodePort'))} has no meaning for type {kind}"
            yield Problem((*path, "nodePort"), "schema/service", what, "remove it, or use type NodePort")
        key = (node, port.get("protocol", "TCP"))
        if node is not None and nodes.setdefault(key, position) != position:
            what = f"{dotted((*path, 'nodePort'))}: {node} is also that of item {nodes[key]}"
            yield Problem((*path, "nodePort"), "schema/duplicate", what, "choose another port")


def network_policy(body: Body) -> Iterator[Problem]:
    """Find what the API server refuses in a NetworkPolicy, and rules without effect."""
    spec = mapping(body.get("spec"))
    types = spec.get("policyTypes")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        if direction in spec and isinstance(types, list) and direction.capitalize() not in types:
            what = f"spec.{direction} has no effect: policyTypes is {', '.join(map(str, types)) or 'empty'}"
            mend = f"add {direction.capitalize()} to policyTypes"
            yield Problem(("spec", direction), "schema/network-policy", what, mend)
        for position, rule in mappings(spec.get(direction)):
            where = ("spec", direction, position)
            for number, peer in mappings(rule.get(peers)):
                yield from _peer(peer, (*where, peers, number))
            for number, port in mappings(rule.get("ports")):
                yield from _port_range(port, (*where, "ports", number))


def _peer(peer: Body, where: tuple[str | int, ...]) -> Iterator[Problem]:
    if not peer:
        what = f"{dotted(where)} is empty"
        yield Problem(where, "schema/network-policy", what, "name an ipBlock, a podSelector or a namespaceSelector")
    if "ipBlock" in peer and len(peer) > 1:
        what = f"{dotted(where)}: ipBlock stands alone; no selector goes with it"
        yield Problem(where, "schema/network-policy", what, "make two items of it")
    block = mapping(peer.get("ipBlock"))
    if "cidr" not in block:
        return
    yield from _range(block["cidr"], (*where, "ipBlock", "cidr"))
    outer, _ = network(block["cidr"])
    for position, each in enumerate(block.get("except") or ()):
        path = (*where, "ipBlock", "except", position)
        yield from _range(each, path)
        inner, _ = network(each)
        if outer and inner and (inner.version != outer.version or not inner.subnet_of(outer) or inner == outer):  # type: ignore[arg-type]
            what = f"{dotted(path)}: {each} is not a part of {block['cidr']}"
            yield Problem(path, "schema/address", what, "except a smaller range inside of cidr")


def _port_range(port: Body, where: tuple[str | int, ...]) -> Iterator[Problem]:
    first, last = port.get("port"), whole(port.get("endPort"))
    if last is None:
        return
    if not isinstance(first, int):
        what = f"{dotted(where)}: endPort needs a port that is a number"
        yield Problem(where, "schema/port", what, "add `port:`, the first of the range")
    elif first > last:
        what = f"{dotted(where)}: port {first} is above endPort {last}"
        yield Problem(where, "schema/min-max", what, "exchange them")


def _range(value: object, path: tuple[str | int, ...]) -> Iterator[Problem]:
    _, wrong = network(value)
    if wrong:
        yield Problem(path, "schema/address", f"{dotted(path)}: {wrong}", "write the first address of the range")
