"""Routes lead from a Gateway that takes them to a Service that is there, and gateway policies have a target."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings, texts
from onair.core.gate.invariants.index import index
from onair.core.gate.invariants.labels import matches
from onair.core.gate.model import Body, Estate, Object, Path, Rule

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
POLICIES = ("BackendTrafficPolicy", "ClientTrafficPolicy", "SecurityPolicy", "EnvoyExtensionPolicy", "BackendTLSPolicy")
ANSWERING = {"RequestRedirect", "ExtensionRef"}
"""Filters that answer a request themselves."""


def backends(estate: Estate) -> Iterator[Finding]:
    """Find rules of routes that lead nowhere."""
    for route in index(estate).of(*ROUTES):
        for i, rule in enumerate(mappings(route.get("spec", "rules"))):
            at: tuple[str | int, ...] = ("spec", "rules", i)
            named = mappings(rule.get("backendRefs"))
            filters = mappings(rule.get("filters"))
            if not named and not any(str(each.get("type")) in ANSWERING for each in filters):
                mend = "add backendRefs with the Service and its port"
                what = "a rule has no backend: Envoy answers 500"
                yield estate.finding("route/backend", route, what, at=at, why=BACKEND.why, mend=mend)
            for j, each in enumerate(named):
                yield from _backend(estate, route, each, (*at, "backendRefs", j))
            for j, each in enumerate(filters):
                mirror = mapping(each.get("requestMirror")).get("backendRef")
                if isinstance(mirror, dict):
                    yield from _backend(estate, route, mirror, (*at, "filters", j, "requestMirror", "backendRef"))


def _backend(estate: Estate, route: Object, named: Body, at: Path) -> Iterator[Finding]:
    kind, name = str(named.get("kind") or "Service"), str(named.get("name"))
    namespace = str(named.get("namespace") or route.namespace)
    found = index(estate).find(route.cluster, kind, namespace, name)
    if found is None:
        what = f"names {kind} {namespace}/{name}, which {route.cluster} does not have"
        mend = f"correct the name, or add the {kind} to a leaf of {route.cluster}"
        yield estate.finding("route/backend", route, what, at=at, why=BACKEND.why, mend=mend)
        return
    ports = [each.get("port") for each in mappings(found.get("spec", "ports"))]
    if kind == "Service" and named.get("port") not in ports:
        what = f"Service {name} has no port {named.get('port')} (it has: {', '.join(map(str, ports)) or 'none'})"
        yield estate.finding("route/backend", route, what, at=at, why=BACKEND.why, mend="name one of its ports")
    if namespace != route.namespace and not _granted(estate, route, namespace):
        what = f"names {kind} {name} of namespace {namespace}, which no ReferenceGrant there allows"
        mend = f"put the route into namespace {namespace}"
        yield estate.finding("route/backend", route, what, at=at, why=BACKEND.why, mend=mend)


def _granted(estate: Estate, route: Object, namespace: str) -> bool:
    return any(
        grant.cluster == route.cluster
        and grant.namespace == namespace
        and any(
            each.get("kind") == route.kind and each.get("namespace") == route.namespace
            for each in mappings(grant.get("spec", "from"))
        )
        for grant in index(estate).of("ReferenceGrant")
    )


def parents(estate: Estate) -> Iterator[Finding]:
    """Find routes that no listener of a Gateway takes."""
    for route in index(estate).of(*ROUTES):
        named = mappings(route.get("spec", "parentRefs"))
        if not named:
            mend = "add parentRefs with the Gateway and its listener (sectionName)"
            yield estate.finding("route/parent", route, "has no parentRefs", at=("spec",), why=PARENT.why, mend=mend)
        for i, each in enumerate(named):
            if each.get("kind", "Gateway") == "Gateway" and (what := _refusal(estate, route, each)):
                at = ("spec", "parentRefs", i)
                mend = "correct parentRefs, or the Gateway's allowedRoutes"
                yield estate.finding("route/parent", route, what, at=at, why=PARENT.why, mend=mend)


def _refusal(estate: Estate, route: Object, parent: Body) -> str:
    """Return why no listener of the named Gateway takes the route; empty if one does."""
    namespace, name = str(parent.get("namespace") or route.namespace), str(parent.get("name"))
    gateway = index(estate).find(route.cluster, "Gateway", namespace, name)
    if gateway is None:
        return f"names Gateway {namespace}/{name}, which {route.cluster} does not have"
    listeners = mappings(gateway.get("spec", "listeners"))
    wanted, section = listeners, parent.get("sectionName")
    if section:
        wanted = [each for each in listeners if each.get("name") == section]
        if not wanted:
            known = ", ".join(str(each.get("name")) for each in listeners)
            return f"Gateway {name} has no listener {section} (it has: {known})"
    if not any(_admits(estate, gateway, each, route) for each in wanted):
        return f"no listener of Gateway {name} takes routes of namespace {route.namespace}"
    hosts = texts(route.get("spec", "hostnames"))
    if hosts and not any(_shared(str(host), each.get("hostname")) for each in wanted for host in hosts):
        return f"no listener of Gateway {name} has a hostname for {', '.join(map(str, hosts))}"
    return ""


def _admits(estate: Estate, gateway: Object, listener: Body, route: Object) -> bool:
    namespaces = mapping(mapping(listener.get("allowedRoutes")).get("namespaces"))
    match namespaces.get("from", "Same"):
        case "All":
            return True
        case "Same":
            return gateway.namespace == route.namespace
        case "Selector":
            found = index(estate).find(route.cluster, "Namespace", "", route.namespace)
            own = mapping(found.metadata.get("labels")) if found else {}
            # Kubernetes itself sets this label on every namespace.
            return matches(namespaces.get("selector"), {**own, "kubernetes.io/metadata.name": route.namespace})
    return False


def _shared(host: str, listener: object) -> bool:
    """Return whether two host names meet; ``*.`` stands for any labels before the rest."""
    if not isinstance(listener, str) or not listener or host == listener:
        return True
    return any(one.startswith("*.") and other.endswith(one[1:]) for one, other in ((host, listener), (listener, host)))


def policy_targets(estate: Estate) -> Iterator[Finding]:
    """Find gateway policies whose target is not there."""
    for policy in index(estate).of(*POLICIES):
        single = policy.get("spec", "targetRef")
        named = mappings(policy.get("spec", "targetRefs")) + ([single] if isinstance(single, dict) else [])
        for i, each in enumerate(named):
            kind, name = str(each.get("kind")), str(each.get("name"))
            target = index(estate).find(policy.cluster, kind, policy.namespace, name)
            section = each.get("sectionName")
            parts = mappings(target.get("spec", "listeners" if kind == "Gateway" else "rules")) if target else []
            if target is None or (section and section not in [part.get("name") for part in parts]):
                what = f"targets {kind} {policy.namespace}/{name}{f' {section}' if section else ''}, which is not there"
                at = ("spec", "targetRefs", i) if single is None else ("spec", "targetRef")
                yield estate.finding("gateway/target", policy, what, at=at, why=TARGET.why, mend=TARGET_MEND)
        for i, each in enumerate(mappings(policy.get("spec", "targetSelectors"))):
            if not any(
                found.cluster == policy.cluster
                and found.namespace == policy.namespace
                and matches(each, mapping(found.metadata.get("labels")))
                for found in index(estate).of(str(each.get("kind")))
            ):
                what = f"selects no {each.get('kind')} of namespace {policy.namespace}"
                at = ("spec", "targetSelectors", i)
                yield estate.finding("gateway/target", policy, what, at=at, why=TARGET.why, mend=TARGET_MEND)


BACKEND = Rule(
    "route/backend",
    "Envoy answers 500 for every request of the rule; the route only says ResolvedRefs: False",
    "backendRefs: [{name: wbe, port: 80}]",
    "backendRefs: [{name: web, port: 80}]",
    backends,
)
PARENT = Rule(
    "route/parent",
    "a route that no listener takes is not served; it only says Accepted: False",
    "parentRefs: [{name: shop, namespace: envoy-gateway-system, sectionName: htps}]",
    "parentRefs: [{name: shop, namespace: envoy-gateway-system, sectionName: https}]",
    parents,
)
TARGET = Rule(
    "gateway/target",
    "a policy without a target changes nothing: timeouts, retries or health checks are silently the defaults",
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: shp}]",
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: shop}]",
    policy_targets,
)
TARGET_MEND = "name a target in the policy's own namespace"
RULES = (BACKEND, PARENT, TARGET)
