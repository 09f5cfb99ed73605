"""What the rules look objects up in: by name, and pods by the labels that select them. Built once an estate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from onair.core.gate.invariants.fields import mapping
from onair.core.gate.invariants.labels import Labels, equal, matches
from onair.core.gate.model import Body, Estate, Object

TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Where each kind keeps its pod template; a Pod is its own."""

_KEY = "_invariants_index"


class Key(NamedTuple):
    """How objects name each other inside a cluster: the group is left out."""

    cluster: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, eq=False)
class Pods:
    """The pods that one object makes.

    Attributes
    ----------
    owner
        The object with the template, or the EnvoyProxy that Envoy Gateway makes the pods from.
    at
        Path of the template in ``owner``.
    rollout
        The Rollout that runs the template (``workloadRef``), if there is one.
    scaler
        The HorizontalPodAutoscaler that scales them, if there is one.
    """

    owner: Object
    at: tuple[str, ...]
    namespace: str
    labels: Labels
    spec: Body
    rollout: Object | None = None
    scaler: Object | None = None

    @property
    def containers(self) -> list[tuple[str, int, Body]]:
        """Every container with the list and the position that it stands at."""
        found = ((field, self.spec.get(field)) for field in ("initContainers", "containers"))
        return [
            (field, i, each)
            for field, entries in found
            if isinstance(entries, list)
            for i, each in enumerate(entries)
            if isinstance(each, dict)
        ]

    @property
    def replicas(self) -> tuple[int, int]:
        """The fewest and the most pods that are wanted of one version, per cluster; a DaemonSet counts as 1."""
        if self.scaler:
            least, most = self.scaler.get("spec", "minReplicas"), self.scaler.get("spec", "maxReplicas")
            return _count(least, 1), _count(most, 1)
        wanted = (self.rollout or self.owner).get("spec", "replicas")
        if self.owner.kind == "EnvoyProxy":
            wanted = self.owner.get("spec", "provider", "kubernetes", "envoyDeployment", "replicas")
        return _count(wanted, 1), _count(wanted, 1)


class Index:
    """An estate, looked up by name and by label."""

    def __init__(self, estate: Estate) -> None:
        self.objects: dict[Key, Object] = {}
        self._by_kind: dict[str, list[Object]] = {}
        for each in estate.objects:
            self._by_kind.setdefault(each.kind, []).append(each)
            self.objects.setdefault(Key(each.cluster, each.kind, each.namespace, each.name), each)
        rollouts = dict(_run_by_reference(estate))
        scalers = dict(_scaled(estate))
        self.pods = [*_templates(estate, rollouts, scalers), *_proxies(estate, self.objects)]
        self._by_label: dict[tuple[str, str, str, str], list[Pods]] = {}
        self._by_namespace: dict[tuple[str, str], list[Pods]] = {}
        for pods in self.pods:
            cluster = pods.owner.cluster
            self._by_namespace.setdefault((cluster, pods.namespace), []).append(pods)
            for key, value in pods.labels.items():
                self._by_label.setdefault((cluster, pods.namespace, key, value), []).append(pods)

    def of(self, *kinds: str) -> Iterator[Object]:
        """Iterate over the objects of these kinds, without a walk over all the others."""
        return chain.from_iterable(self._by_kind.get(kind, ()) for kind in kinds)

    def find(self, cluster: str, kind: str, namespace: str, name: str) -> Object | None:
        """Return the object of this name, if the cluster has it."""
        return self.objects.get(Key(cluster, kind, namespace, name))

    def namespace(self, cluster: str, namespace: str) -> list[Pods]:
        """Return all pods of a namespace."""
        return self._by_namespace.get((cluster, namespace), [])

    def behind(self, service: Object) -> list[Pods]:
        """Return the pods that a Service selects."""
        selector = service.get("spec", "selector")
        if not isinstance(selector, dict):
            return []
        candidates = self._candidates(service.cluster, service.namespace, selector)
        return [pods for pods in candidates if equal(selector, pods.labels)]

    def selected(self, cluster: str, namespace: str, selector: Mapping[str, Any] | None) -> list[Pods]:
        """Return the pods of a namespace that a LabelSelector selects."""
        if not isinstance(selector, dict):
            return []
        candidates = self._candidates(cluster, namespace, mapping(selector.get("matchLabels")))
        return [pods for pods in candidates if matches(selector, pods.labels)]

    def _candidates(self, cluster: str, namespace: str, labels: Mapping[str, Any]) -> list[Pods]:
        # The rarest label first: a namespace with thousands of pods is not walked for each selector.
        lists = [self._by_label.get((cluster, namespace, key, str(value)), []) for key, value in labels.items()]
        return min(lists, key=len) if lists else self.namespace(cluster, namespace)


def index(estate: Estate) -> Index:
    """Return the estate's index, made at the first call (kept in the estate, as ``cached_property`` does)."""
    found = estate.__dict__.get(_KEY)
    if not isinstance(found, Index):
        found = estate.__dict__[_KEY] = Index(estate)
    return found


def _count(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _run_by_reference(estate: Estate) -> Iterator[tuple[Key, Object]]:
    for rollout in estate.of("Rollout"):
        target = rollout.get("spec", "workloadRef")
        if isinstance(target, dict):
            yield Key(rollout.cluster, str(target.get("kind")), rollout.namespace, str(target.get("name"))), rollout


def _scaled(estate: Estate) -> Iterator[tuple[Key, Object]]:
    for scaler in estate.of("HorizontalPodAutoscaler"):
        target = scaler.get("spec", "scaleTargetRef")
        if isinstance(target, dict):
            yield Key(scaler.cluster, str(target.get("kind")), scaler.namespace, str(target.get("name"))), scaler


def _templates(estate: Estate, rollouts: Mapping[Key, Object], scalers: Mapping[Key, Object]) -> Iterator[Pods]:
    for each in estate.of(*TEMPLATES):
        at = TEMPLATES[each.kind]
        template = each.get(*at) if at else each.body
        if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
            continue
        metadata = template.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        rollout = rollouts.get(Key(each.cluster, each.kind, each.namespace, each.name))
        scaled = rollout or each
        scaler = scalers.get(Key(scaled.cluster, scaled.kind, scaled.namespace, scaled.name))
        if each.kind == "Rollout":
            rollout = each
        yield Pods(each, at, each.namespace, _strings(labels), template["spec"], rollout, scaler)


def _strings(labels: object) -> Labels:
    return {key: value for key, value in labels.items() if isinstance(value, str)} if isinstance(labels, dict) else {}


def _proxies(estate: Estate, objects: Mapping[Key, Object]) -> Iterable[Pods]:
    """Return the pods that Envoy Gateway makes for each Gateway out of its class's EnvoyProxy.

    Labels: internal/infrastructure/kubernetes/proxy/resource.go of Envoy Gateway 1.9.
    """
    for gateway in estate.of("Gateway"):
        class_ = objects.get(Key(gateway.cluster, "GatewayClass", "", str(gateway.get("spec", "gatewayClassName"))))
        reference = class_.get("spec", "parametersRef") if class_ else None
        if not isinstance(reference, dict) or reference.get("kind") != "EnvoyProxy":
            continue
        key = Key(gateway.cluster, "EnvoyProxy", str(reference.get("namespace")), str(reference.get("name")))
        if proxy := objects.get(key):
            at = ("spec", "provider", "kubernetes", "envoyDeployment", "pod")
            labels = {
                "app.kubernetes.io/name": "envoy",
                "app.kubernetes.io/component": "proxy",
                "app.kubernetes.io/managed-by": "envoy-gateway",
                "gateway.envoyproxy.io/owning-gateway-name": gateway.name,
                "gateway.envoyproxy.io/owning-gateway-namespace": gateway.namespace,
            }
            yield Pods(proxy, at, proxy.namespace, labels, mapping(proxy.get(*at)))
