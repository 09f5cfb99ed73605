"""Which fields name which objects, and what happens where one is not there."""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """A field that names another object.

    Attributes
    ----------
    kinds
        Kinds that have the field.
    path
        The field, dotted; ``*`` stands for every entry of a list.
    target
        Kind that is named; empty where the field is a mapping that says its ``kind`` itself.
    scope
        Where the target is: ``same`` namespace, ``named`` by the mapping (else the same), or ``cluster``-wide.
    """

    rule: str
    kinds: tuple[str, ...]
    path: str
    target: str = ""
    scope: str = "same"


_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
_VOLUMES = ("PersistentVolumeClaim", "PersistentVolume")
_TEMPLATES = "analysis.templates.*"
LINKS = (
    Link("reference/scale-target", ("HorizontalPodAutoscaler",), "spec.scaleTargetRef"),
    Link("reference/workload", ("Rollout",), "spec.workloadRef"),
    Link("reference/service", ("Rollout",), "spec.strategy.blueGreen.activeService", "Service"),
    Link("reference/service", ("Rollout",), "spec.strategy.blueGreen.previewService", "Service"),
    Link("reference/service", ("Rollout",), "spec.strategy.canary.stableService", "Service"),
    Link("reference/service", ("Rollout",), "spec.strategy.canary.canaryService", "Service"),
    Link("reference/service", ("StatefulSet",), "spec.serviceName", "Service"),
    Link("reference/service", ("APIService",), "spec.service", "Service", "named"),
    Link("reference/role", _BINDINGS, "roleRef"),
    Link("reference/subject", _BINDINGS, "subjects.*", "", "named"),
    Link("reference/class", _VOLUMES, "spec.storageClassName", "StorageClass", "cluster"),
    Link(
        "reference/class",
        ("StatefulSet",),
        "spec.volumeClaimTemplates.*.spec.storageClassName",
        "StorageClass",
        "cluster",
    ),
    Link("reference/class", ("Gateway",), "spec.gatewayClassName", "GatewayClass", "cluster"),
    Link("reference/class", ("GatewayClass",), "spec.parametersRef", "", "named"),
    Link("reference/class", ("Ingress",), "spec.ingressClassName", "IngressClass", "cluster"),
    Link("reference/class", ("Certificate",), "spec.issuerRef"),
    Link("reference/analysis", ("Rollout",), "spec.strategy.blueGreen.prePromotionAnalysis.templates.*", "Analysis"),
    Link("reference/analysis", ("Rollout",), "spec.strategy.blueGreen.postPromotionAnalysis.templates.*", "Analysis"),
    Link("reference/analysis", ("Rollout",), f"spec.strategy.canary.{_TEMPLATES}", "Analysis"),
    Link("reference/analysis", ("Rollout",), f"spec.strategy.canary.steps.*.{_TEMPLATES}", "Analysis"),
    Link(
        "reference/policy",
        ("ValidatingAdmissionPolicyBinding",),
        "spec.policyName",
        "ValidatingAdmissionPolicy",
        "cluster",
    ),
)
POD_RULES = {
    "ConfigMap": "reference/config-map",
    "PersistentVolumeClaim": "reference/claim",
    "PriorityClass": "reference/class",
    "RuntimeClass": "reference/class",
    "ServiceAccount": "reference/service-account",
}
"""Rule for what pods name, by kind; Secrets have their own (they stand in no leaf)."""

CLUSTER_WIDE = {"ClusterIssuer", "ClusterRole", "GatewayClass", "PriorityClass", "RuntimeClass", "StorageClass"}
BUILT_IN = {
    ("ServiceAccount", "default"),  # made in every namespace
    ("ConfigMap", "kube-root-ca.crt"),  # made in every namespace
    ("PriorityClass", "system-cluster-critical"),
    ("PriorityClass", "system-node-critical"),
    ("ClusterRole", "admin"),
    ("ClusterRole", "cluster-admin"),
    ("ClusterRole", "edit"),
    ("ClusterRole", "view"),
    ("Role", "extension-apiserver-authentication-reader"),  # kube-system
}
"""What Kubernetes makes itself.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""


class Why(NamedTuple):
    """The consequence of a dangling reference, and an example of a bad and a good one."""

    why: str
    bad: str
    good: str


RULES: dict[str, Why] = {
    "reference/scale-target": Why(
        "the autoscaler reports FailedGetScale and nothing is ever scaled",
        "scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: wbe}",
        "scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}",
    ),
    "reference/workload": Why(
        "the Rollout stays Degraded (InvalidSpec) and runs nothing",
        "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: wbe}",
        "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}",
    ),
    "reference/service": Why(
        "pods or a Rollout's colours have no address: nothing reaches them",
        "blueGreen: {activeService: wbe, previewService: web-preview}",
        "blueGreen: {activeService: web, previewService: web-preview}",
    ),
    "reference/role": Why(
        "the binding grants nothing, and a roleRef cannot be changed later",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: raeder}",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}",
    ),
    "reference/subject": Why(
        "the binding grants nothing to anybody, and everything to who makes that account later",
        "subjects: [{kind: ServiceAccount, name: wbe, namespace: shop}]",
        "subjects: [{kind: ServiceAccount, name: web, namespace: shop}]",
    ),
    "reference/class": Why(
        "the object waits for ever: no class, no volume, no gateway, no pod; no issuer, no certificate",
        "storageClassName: gp4",
        "storageClassName: gp3",
    ),
    "reference/analysis": Why(
        "the Rollout stays Degraded (InvalidSpec): no release is judged",
        "prePromotionAnalysis: {templates: [{templateName: succes}]}",
        "prePromotionAnalysis: {templates: [{templateName: success}]}",
    ),
    "reference/policy": Why(
        "the binding enforces nothing, without a word",
        "policyName: digets",
        "policyName: digests",
    ),
    "reference/config-map": Why(
        "the pod waits in ContainerCreating or CreateContainerConfigError",
        "volumes: [{name: settings, configMap: {name: settigns}}]",
        "volumes: [{name: settings, configMap: {name: settings}}]",
    ),
    "reference/claim": Why(
        "the pod stays Pending",
        "volumes: [{name: data, persistentVolumeClaim: {claimName: date}}]",
        "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]",
    ),
    "reference/service-account": Why(
        "no pod is created: the API server refuses each",
        "serviceAccountName: wbe",
        "serviceAccountName: web",
    ),
}
