"""The schema's rules, as ``onair explain`` tells of them."""

from __future__ import annotations

from onair.core.gate.model import Rule


def _rule(name: str, why: str, bad: str, good: str) -> Rule:
    return Rule(f"schema/{name}", why, bad, good)


RULES: tuple[Rule, ...] = (
    _rule(
        "unknown-kind",
        "A kind that the cluster does not know cannot be synced: the Application stays OutOfSync.",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rolout",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout",
    ),
    _rule(
        "not-served",
        "The API server does not serve this version: alpha and beta versions of Kubernetes' own are off (KEP-3136).",
        "apiVersion: storage.k8s.io/v1beta1\nkind: VolumeAttributesClass",
        "apiVersion: storage.k8s.io/v1\nkind: VolumeAttributesClass",
    ),
    _rule(
        "deprecated",
        "It was removed, or will be: the next upgrade of the cluster would break the sync.",
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget",
        "apiVersion: policy/v1\nkind: PodDisruptionBudget",
    ),
    _rule(
        "unknown-key",
        "The API server drops what it does not know: the setting has no effect, and nobody is told.",
        "spec: {replica: 3}",
        "spec: {replicas: 3}",
    ),
    _rule("missing", "The API server refuses the object.", "metadata: {namespace: shop}", "metadata: {name: web}"),
    _rule("type", "The API server refuses the object.", 'port: "8080"', "port: 8080"),
    _rule("enum", "The API server refuses any other word.", "type: Clusterip", "type: ClusterIP"),
    _rule("range", "The API server refuses values outside of the range.", "port: 80800", "port: 8080"),
    _rule("value", "The API server or the controller refuses the value.", "path: readyz", "path: /readyz"),
    _rule("name", "Names become parts of DNS names and URLs.", "name: Web_Server", "name: web-server"),
    _rule("label", "The API server refuses the key or the value.", "labels: {app: -web}", "labels: {app: web}"),
    _rule("quantity", "The API server refuses it, or takes it for another size.", "memory: 256MB", "memory: 256Mi"),
    _rule("port", "The API server refuses the port.", "name: HTTP_Port", "name: http"),
    _rule("address", "The API server refuses the address or the range.", "cidr: 10.64.1.0/16", "cidr: 10.64.0.0/16"),
    _rule("duration", "The controller cannot read it and stops.", "interval: 30", "interval: 30s"),
    _rule(
        "schedule",
        "The controller cannot read it: the job never runs.",
        'schedule: "0 25 * * *"',
        'schedule: "0 5 * * *"',
    ),
    _rule(
        "duplicate",
        "Items of such lists are told apart by these keys: server-side apply refuses two, client-side apply loses one.",
        "ports: [{name: http, port: 80}, {name: http, port: 81}]",
        "ports: [{name: http, port: 80}, {name: admin, port: 81}]",
    ),
    _rule(
        "min-max",
        "The bounds cross, so nothing satisfies both.",
        "{minReplicas: 5, maxReplicas: 3}",
        "{minReplicas: 3, maxReplicas: 5}",
    ),
    _rule(
        "selector",
        "A workload that does not select its own pods is refused, or makes pods without end.",
        "selector: {matchLabels: {app: web}}\ntemplate: {metadata: {labels: {app: wbe}}}",
        "selector: {matchLabels: {app: web}}\ntemplate: {metadata: {labels: {app: web}}}",
    ),
    _rule(
        "probe",
        "The API server refuses the probe, or it always fails.",
        "readinessProbe: {periodSeconds: 5}",
        "readinessProbe: {httpGet: {path: /readyz, port: http}}",
    ),
    _rule(
        "pod",
        "The API server or the kubelet refuses the pod.",
        "volumes: [{name: tmp}]",
        "volumes: [{name: tmp, emptyDir: {}}]",
    ),
    _rule(
        "service",
        "The API server refuses the Service, or the field has no effect.",
        "{type: ExternalName}",
        "{type: ExternalName, externalName: db.onair.example}",
    ),
    _rule(
        "network-policy",
        "The API server refuses the rule, or it has no effect.",
        "{policyTypes: [Ingress], egress: [{}]}",
        "{policyTypes: [Egress], egress: [{}]}",
    ),
    _rule(
        "access",
        "The API server refuses it, or it grants nothing.",
        "rules: [{resources: [pods], verbs: [get]}]",
        "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
    ),
    _rule(
        "scope",
        "A namespace is part of the object's identity: it would be synced to another place, or refused.",
        "kind: Service\nmetadata: {name: web}",
        "kind: Service\nmetadata: {name: web, namespace: shop}",
    ),
    _rule(
        "size",
        "etcd takes 1.5 MiB, annotations 256 KiB, ConfigMaps and Secrets 1 MiB: the sync would fail.",
        "data: {video: <2 MiB of base64>}",
        "data: {address: https://media.onair.example}",
    ),
)
