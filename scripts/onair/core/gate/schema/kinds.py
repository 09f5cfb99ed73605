"""Kinds of Kubernetes' own that a schema says nothing of: scope, what was removed, what is not served."""

from __future__ import annotations

import re
from typing import NamedTuple

CLUSTER_WIDE = frozenset(
    (
        *("APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding"),
        *("ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition", "DeviceClass", "DeviceTaintRule"),
        *("FlowSchema", "IPAddress", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
        *("MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PriorityClass"),
        *("PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass", "ServiceCIDR", "StorageClass"),
        *("StorageVersion", "StorageVersionMigration", "ValidatingAdmissionPolicy", "VolumeAttachment"),
        *("ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttributesClass"),
    )
)
"""Kinds of Kubernetes' own that belong to no namespace (``kubectl api-resources --namespaced=false``)."""

REQUESTS = frozenset(
    (
        *("Binding", "ComponentStatus", "Eviction", "LocalSubjectAccessReview", "Scale", "SelfSubjectAccessReview"),
        *("SelfSubjectReview", "SelfSubjectRulesReview", "SubjectAccessReview", "TokenRequest", "TokenReview"),
    )
)
"""Kinds that are questions to the server; none can be synced from git."""


class Removed(NamedTuple):
    """An API version that the server no longer serves."""

    since: str
    use: str


# source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
REMOVED: dict[tuple[str, str], Removed] = {
    **{("extensions/v1beta1", kind): Removed("1.16", "apps/v1") for kind in ("Deployment", "DaemonSet", "ReplicaSet")},
    **{
        (version, kind): Removed("1.16", "apps/v1")
        for version in ("apps/v1beta1", "apps/v1beta2")
        for kind in ("Deployment", "DaemonSet", "ReplicaSet", "StatefulSet")
    },
    ("extensions/v1beta1", "NetworkPolicy"): Removed("1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", "Ingress"): Removed("1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress"): Removed("1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "IngressClass"): Removed("1.22", "networking.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): Removed("1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "APIService"): Removed("1.22", "apiregistration.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass"): Removed("1.22", "scheduling.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", "Lease"): Removed("1.22", "coordination.k8s.io/v1"),
    **{
        ("rbac.authorization.k8s.io/v1beta1", kind): Removed("1.22", "rbac.authorization.k8s.io/v1")
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    },
    **{
        ("admissionregistration.k8s.io/v1beta1", kind): Removed("1.22", "admissionregistration.k8s.io/v1")
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    },
    **{
        ("storage.k8s.io/v1beta1", kind): Removed("1.22", "storage.k8s.io/v1")
        for kind in ("StorageClass", "CSIDriver", "CSINode", "VolumeAttachment")
    },
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity"): Removed("1.27", "storage.k8s.io/v1"),
    ("batch/v1beta1", "CronJob"): Removed("1.25", "batch/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): Removed("1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event"): Removed("1.25", "events.k8s.io/v1"),
    ("policy/v1beta1", "PodDisruptionBudget"): Removed("1.25", "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy"): Removed("1.25", "Pod Security Admission"),
    ("node.k8s.io/v1beta1", "RuntimeClass"): Removed("1.25", "node.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"): Removed("1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"): Removed("1.26", "autoscaling/v2"),
    **{
        (f"flowcontrol.apiserver.k8s.io/{version}", kind): Removed(since, "flowcontrol.apiserver.k8s.io/v1")
        for version, since in (("v1beta1", "1.26"), ("v1beta2", "1.29"), ("v1beta3", "1.32"))
        for kind in ("FlowSchema", "PriorityLevelConfiguration")
    },
}

DEPRECATED: dict[tuple[str, str], str] = {
    # source: https://kubernetes.io/blog/2025/04/24/endpoints-deprecation/
    ("v1", "Endpoints"): "use discovery.k8s.io/v1 EndpointSlice",
}
"""Served, and not to be used; with what to use."""


def beta(version: str) -> bool:
    """Return whether such a version of Kubernetes' own API is off unless switched on (KEP-3136: since 1.24)."""
    return re.fullmatch(r"v\d+(alpha|beta)\d+", version) is not None
