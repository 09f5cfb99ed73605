"""Which kinds live in a namespace, and which namespace Argo CD gives to objects that name none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onair.core.gate.model import Body

# source: kubectl api-resources of Kubernetes 1.36
_CLUSTER_WIDE = {
    "": {"ComponentStatus", "Namespace", "Node", "PersistentVolume"},
    "admissionregistration.k8s.io": {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    },
    "apiextensions.k8s.io": {"CustomResourceDefinition"},
    "apiregistration.k8s.io": {"APIService"},
    "apps": set(),
    "authentication.k8s.io": {"SelfSubjectReview", "TokenReview"},
    "authorization.k8s.io": {"SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"},
    "autoscaling": set(),
    "batch": set(),
    "certificates.k8s.io": {"CertificateSigningRequest", "ClusterTrustBundle"},
    "coordination.k8s.io": set(),
    "discovery.k8s.io": set(),
    "events.k8s.io": set(),
    "flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
    "networking.k8s.io": {"IPAddress", "IngressClass", "ServiceCIDR"},
    "node.k8s.io": {"RuntimeClass"},
    "policy": set(),
    "rbac.authorization.k8s.io": {"ClusterRole", "ClusterRoleBinding"},
    "resource.k8s.io": {"DeviceClass", "DeviceTaintRule", "ResourceSlice"},
    "scheduling.k8s.io": {"PriorityClass"},
    "storage.k8s.io": {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
    "storagemigration.k8s.io": {"StorageVersionMigration"},
}


def scopes(bodies: Iterable[Body]) -> dict[tuple[str, str], bool]:
    """Return, by (group, kind), whether the kinds that these CustomResourceDefinitions define are namespaced."""
    found = {}
    for body in bodies:
        if body.get("kind") == "CustomResourceDefinition" and isinstance(spec := body.get("spec"), dict):
            names = spec.get("names")
            kind = names.get("kind") if isinstance(names, dict) else None
            found[str(spec.get("group")), str(kind)] = spec.get("scope") == "Namespaced"
    return found


def is_namespaced(group: str, kind: str, defined: Mapping[tuple[str, str], bool]) -> bool | None:
    """Tell whether a kind lives in a namespace; None where the kind is not known.

    Parameters
    ----------
    defined
        The cluster's own kinds (:func:`scopes`).
    """
    if (group, kind) in defined:
        return defined[group, kind]
    return kind not in _CLUSTER_WIDE[group] if group in _CLUSTER_WIDE else None


def placed(body: Body, namespace: str, defined: Mapping[tuple[str, str], bool]) -> Body:
    """Return an object as Argo CD applies it: in the Application's namespace where it names none and needs one."""
    metadata = body.get("metadata")
    if not namespace or not isinstance(metadata, dict) or metadata.get("namespace"):
        return body
    group = str(body.get("apiVersion") or "").rpartition("/")[0]
    if not is_namespaced(group, str(body.get("kind")), defined):
        return body
    return {**body, "metadata": {**metadata, "namespace": namespace}}
