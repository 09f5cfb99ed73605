"""What the API server, or a controller, refuses although each value by itself is right: by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from onair.core.gate.model import Body, Object
from onair.core.gate.schema import access, network, workloads
from onair.core.gate.schema.problem import Problem

Semantic = Callable[[Body], Iterator[Problem]]
_PODS: tuple[Semantic, ...] = (workloads.workload, workloads.expressions)

SEMANTICS: dict[tuple[str, str], tuple[Semantic, ...]] = {
    ("", "Pod"): _PODS,
    ("", "PodTemplate"): _PODS,
    ("apps", "Deployment"): (*_PODS, workloads.rolling_update),
    ("apps", "StatefulSet"): (*_PODS, workloads.claims),
    ("apps", "DaemonSet"): _PODS,
    ("apps", "ReplicaSet"): _PODS,
    ("batch", "Job"): _PODS,
    ("batch", "CronJob"): (*_PODS, workloads.cron_job),
    ("argoproj.io", "Rollout"): _PODS,
    ("autoscaling", "HorizontalPodAutoscaler"): (workloads.autoscaler,),
    ("policy", "PodDisruptionBudget"): (workloads.budget, workloads.expressions),
    ("", "PersistentVolumeClaim"): (workloads.claim,),
    ("", "PersistentVolume"): (workloads.volume,),
    ("", "Service"): (network.service,),
    ("networking.k8s.io", "NetworkPolicy"): (network.network_policy, workloads.expressions),
    (access.RBAC, "Role"): (access.role,),
    (access.RBAC, "ClusterRole"): (access.role,),
    (access.RBAC, "RoleBinding"): (access.binding,),
    (access.RBAC, "ClusterRoleBinding"): (access.binding,),
}
"""By group and kind."""


def semantics(found: Object) -> Iterator[Problem]:
    """Find what does not fit together in one object."""
    for check in SEMANTICS.get((found.identity.group, found.kind), ()):
        yield from check(found.body)
