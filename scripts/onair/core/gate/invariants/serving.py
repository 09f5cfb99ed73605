"""What serves traffic survives a drained node and a lost zone, and every Service leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings, texts
from onair.core.gate.invariants.index import Pods, index
from onair.core.gate.invariants.labels import matches
from onair.core.gate.model import Estate, Path, Rule

ZONE = "topology.kubernetes.io/zone"
OURS = ("pod-security.kubernetes.io/enforce", "restricted")
"""Label of the project's own namespaces (infrastructure/namespaces)."""


def budget(estate: Estate) -> Iterator[Finding]:
    """Find serving pods that no PodDisruptionBudget protects."""
    protected = {
        id(pods)
        for each in index(estate).of("PodDisruptionBudget")
        for pods in index(estate).selected(each.cluster, each.namespace, each.get("spec", "selector"))
    }
    for pods in _serving(estate):
        if id(pods) not in protected and not pods.owner.get("spec", "provider", "kubernetes", "envoyPDB"):
            what = "serves traffic without a PodDisruptionBudget"
            mend = "add one with maxUnavailable: 1 and the pods' app.kubernetes.io/name as selector"
            yield estate.finding("workload/budget", pods.owner, what, why=BUDGET.why, mend=mend)


def spread(estate: Estate) -> Iterator[Finding]:
    """Find serving pods, two or more, that one zone may hold alone."""
    for pods in _serving(estate):
        if pods.replicas[1] < 2:
            continue
        constraints = pods.spec.get("topologySpreadConstraints")
        over = [
            (i, each)
            for i, each in enumerate(constraints if isinstance(constraints, list) else ())
            if isinstance(each, dict)
            and each.get("topologyKey") == ZONE
            and matches(each.get("labelSelector"), pods.labels)
        ]
        root = pods.at if pods.owner.kind == "EnvoyProxy" else (*pods.at, "spec")
        at: Path = (*root, "topologySpreadConstraints")
        if not over:
            what = "serves traffic and is not spread over zones"
            mend = f"add a topologySpreadConstraint with topologyKey {ZONE} whose labelSelector selects the pods"
            yield estate.finding("workload/spread", pods.owner, what, at=at, why=SPREAD.why, mend=mend)
        elif pods.rollout and not any(
            "rollouts-pod-template-hash" in texts(each.get("matchLabelKeys")) for _, each in over
        ):
            what = "both colours of the Rollout are spread as one"
            mend = "add matchLabelKeys: [rollouts-pod-template-hash]"
            yield estate.finding("workload/spread", pods.owner, what, at=(*at, over[0][0]), why=SPREAD.why, mend=mend)


def backend(estate: Estate) -> Iterator[Finding]:
    """Find Services that select no pods."""
    for service in index(estate).of("Service"):
        if service.get("spec", "type") == "ExternalName":
            continue
        selector = mapping(service.get("spec", "selector"))
        if not selector:
            if not _endpoints(estate, service.cluster, service.namespace, service.name):
                what = "has neither a selector nor an EndpointSlice"
                mend = "add the selector of the pods"
                yield estate.finding("service/backend", service, what, at=("spec",), why=BACKEND.why, mend=mend)
        elif not index(estate).behind(service):
            wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
            what = f"selects no pods ({wanted})"
            mend = "select labels that a pod template of the namespace has"
            yield estate.finding("service/backend", service, what, at=("spec", "selector"), why=BACKEND.why, mend=mend)


def port(estate: Estate) -> Iterator[Finding]:
    """Find ports of Services that no container of the selected pods has."""
    for service in index(estate).of("Service"):
        behind = index(estate).behind(service)
        for i, each in enumerate(mappings(service.get("spec", "ports"))):
            target = each.get("targetPort")
            # A number may be right without being declared: containerPort is only a note. A name must be there.
            if not isinstance(target, str) or not behind:
                continue
            names = {name for pods in behind for name in _ports(pods, str(each.get("protocol") or "TCP"))}
            if target not in names:
                what = f"targetPort {target} is no port of the pods (they have: {', '.join(sorted(names)) or 'none'})"
                mend = "name a port of the containers, with its protocol"
                at = ("spec", "ports", i, "targetPort")
                yield estate.finding("service/port", service, what, at=at, why=PORT.why, mend=mend)


def budget_selects(estate: Estate) -> Iterator[Finding]:
    """Find PodDisruptionBudgets that protect nothing."""
    for each in index(estate).of("PodDisruptionBudget"):
        if not index(estate).selected(each.cluster, each.namespace, each.get("spec", "selector")):
            what = "its selector selects no pods"
            mend = "select labels that a pod template of the namespace has"
            yield estate.finding("budget/selects", each, what, at=("spec", "selector"), why=SELECTS.why, mend=mend)


def _serving(estate: Estate) -> Iterator[Pods]:
    """Return the pods that serve traffic: behind a Service, and ours or two at least; or Envoys of a Gateway."""
    found = index(estate)
    ours = {
        (each.cluster, each.name)
        for each in index(estate).of("Namespace")
        if mapping(each.metadata.get("labels")).get(OURS[0]) == OURS[1]
    }
    behind = {id(pods) for service in index(estate).of("Service") for pods in found.behind(service)}
    for pods in found.pods:
        wanted = (pods.owner.cluster, pods.namespace) in ours or pods.replicas[1] > 1
        if pods.owner.kind == "EnvoyProxy" or (id(pods) in behind and wanted):
            yield pods


def _endpoints(estate: Estate, cluster: str, namespace: str, service: str) -> bool:
    return any(
        each.cluster == cluster
        and each.namespace == namespace
        and service in (each.name, mapping(each.metadata.get("labels")).get("kubernetes.io/service-name"))
        for each in index(estate).of("EndpointSlice", "Endpoints")
    )


def _ports(pods: Pods, protocol: str) -> Iterator[str]:
    for _, _, container in pods.containers:
        for each in mappings(container.get("ports")):
            if each.get("name") and (each.get("protocol") or "TCP") == protocol:
                yield str(each["name"])


BUDGET = Rule(
    "workload/budget",
    "without one a drain (node upgrade, consolidation) may stop every pod at once",
    "kind: Deployment # behind a Service, no PodDisruptionBudget selects it",
    "kind: PodDisruptionBudget\nspec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: web}}}",
    budget,
)
SPREAD = Rule(
    "workload/spread",
    "the scheduler may put all pods, or all of the new colour, into one zone; a lost zone is then an outage",
    "topologySpreadConstraints: []",
    f"topologySpreadConstraints:\n- {{maxSkew: 1, topologyKey: {ZONE}, whenUnsatisfiable: ScheduleAnyway, "
    "labelSelector: {matchLabels: {app.kubernetes.io/name: web}}, matchLabelKeys: [rollouts-pod-template-hash]}",
    spread,
)
BACKEND = Rule(
    "service/backend",
    "connections to a Service without endpoints are refused, and nothing else says so",
    "selector: {app.kubernetes.io/name: wbe}",
    "selector: {app.kubernetes.io/name: web}",
    backend,
)
PORT = Rule(
    "service/port",
    "a named targetPort that no container has makes no endpoint: connections are refused",
    "ports: [{port: 80, targetPort: htpp}]",
    "ports: [{port: 80, targetPort: http}]",
    port,
)
SELECTS = Rule(
    "budget/selects",
    "a budget that selects nothing protects nothing, and reports no fault",
    "selector: {matchLabels: {app.kubernetes.io/name: wbe}}",
    "selector: {matchLabels: {app.kubernetes.io/name: web}}",
    budget_selects,
)
RULES = (BUDGET, SPREAD, BACKEND, PORT, SELECTS)
