"""The policies' examples as whole objects, for the tests of the gate and of the API server."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from onair.adapters.gate import policies
from onair.core.gate.model import Body, Object
from onair.core.gate.policy.examples import ANY_TEMPLATE, complete
from onair.core.gate.policy.judge import Judge, namespaces_of
from onair.core.gate.policy.model import Policies

ROOT = Path(__file__).resolve().parents[1]
INLINE = "rollout-by-reference"
"""A Rollout with a pod template breaks this policy too, whatever else it is an example of."""
_OURS = {"pod-security.kubernetes.io/enforce": "restricted", "onair.dev/policies": "enforced"}
_KEPT = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
LABELS = {
    "shop": {**_OURS, "onair.dev/environment": "prod"},
    "data": {**_OURS, "onair.dev/environment": "local"},
    "argocd": {"pod-security.kubernetes.io/enforce": "baseline"},
    "envoy-gateway-system": {"pod-security.kubernetes.io/enforce": "baseline"},
}


class Example(NamedTuple):
    """One whole object; ``policy`` must find it broken if ``broken``, and nothing else may."""

    policy: str
    broken: bool
    body: Body
    id: str

    @property
    def expected(self) -> set[str]:
        inline = self.body["kind"] == "Rollout" and "template" in self.body["spec"]
        return ({self.policy} if self.broken else set()) | ({INLINE} if inline else set())


def namespaces() -> list[Body]:
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels, "annotations": _KEPT}}
        for name, labels in LABELS.items()
    ]


def as_object(body: Body) -> Object:
    return Object("prod-kr", "example", "clusters/prod-kr/apps/example", body)


def judge(found: Policies) -> Judge:
    return Judge(found, namespaces_of(map(as_object, namespaces())))


def examples(found: Policies) -> Iterator[Example]:
    """Every example of every policy, one for each kind that it stands for."""
    bases, judging = policies.bases(ROOT), judge(found)
    for name in found.policies:
        seen = {kind for kind, body in bases.items() if judging.about(name, as_object(body))}
        for verdict, documents in policies.examples(ROOT, name).items():
            for position, document in enumerate(documents):
                for body in complete(document, bases, seen):
                    suffix = f"-{body['kind']}" if document["kind"] == ANY_TEMPLATE else ""
                    yield Example(name, verdict == "fail", body, f"{name}-{verdict}-{position}{suffix}")
