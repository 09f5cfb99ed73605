"""What the API servers of the local regions write down: who changed what, who read secrets, and all that people do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

READ = ("get", "list", "watch")
_RBAC = "rbac.authorization.k8s.io"
PARTS = ("system:apiserver", "system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy")
"""The cluster's own programs: their reading, and their leases, would drown what is worth reading."""
MAX_AGE_DAYS, MAX_BACKUPS, MAX_MEBIBYTES = 30, 20, 64


def policy(people: Iterable[str]) -> dict[str, Any]:
    """Return the audit policy; the first rule that fits decides.

    Parameters
    ----------
    people
        The groups of human beings: all that they ask for is written, but never a Secret's value.
    """
    secret = [{"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]}]
    noise = [{"group": "coordination.k8s.io", "resources": ["leases"]}, {"group": "", "resources": ["events"]}]
    noise += [{"group": "events.k8s.io", "resources": ["events"]}]
    rules: list[dict[str, Any]] = [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version", "/metrics", "/openapi*"]},
        {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts"], "resources": noise},
        {"level": "None", "users": list(PARTS), "resources": noise},
        {"level": "Metadata", "userGroups": list(people), "resources": secret},
        {"level": "Request", "userGroups": list(people), "verbs": ["create", "update", "patch", "delete"]},
        {"level": "Metadata", "userGroups": list(people)},
        {"level": "None", "users": list(PARTS), "verbs": list(READ)},
        {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts"], "verbs": list(READ)},
        {"level": "Metadata", "resources": secret},
        {"level": "None", "userGroups": ["system:masters"], "verbs": list(READ)},
        {"level": "Request", "resources": [{"group": _RBAC}]},
        {"level": "Metadata"},
    ]
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}


def encryption(key: str) -> dict[str, Any]:
    """Return how Secrets lie in etcd: encrypted; what lay there before is read as it is until it is written again.

    Parameters
    ----------
    key
        32 bytes in base64.
    """
    providers: list[dict[str, Any]] = [{"secretbox": {"keys": [{"name": "first", "secret": key}]}}, {"identity": {}}]
    resources = [{"resources": ["secrets"], "providers": providers}]
    return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": resources}
