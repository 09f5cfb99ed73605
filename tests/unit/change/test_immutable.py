"""Changes that the API server refuses, and those that it takes."""

import pytest
from change_world import estate, objects

from onair.core.change.compare import compare
from onair.core.change.immutable import refused
from onair.core.finding import Finding

CASES: dict[str, tuple[str, str, str]] = {
    "a Deployment's selector": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {matchLabels: {app: a}}}",
        "app: a",
        "app: b",
    ),
    "a StatefulSet's Service": (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {serviceName: a}",
        "serviceName: a",
        "serviceName: b",
    ),
    "a StatefulSet's claims": (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\n"
        "spec: {volumeClaimTemplates: [{metadata: {name: d}, spec: {storage: 1Gi}}]}",
        "1Gi",
        "2Gi",
    ),
    "a StatefulSet's order": (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {serviceName: a}",
        "serviceName: a",
        "serviceName: a, podManagementPolicy: Parallel",
    ),
    "a Job's template": (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {template: {spec: {image: a}}}",
        "image: a",
        "image: b",
    ),
    "a Service's address": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {clusterIP: 10.0.0.1}",
        "10.0.0.1",
        "10.0.0.2",
    ),
    "a claim's class": (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\nspec: {storageClassName: a}",
        "Name: a",
        "Name: b",
    ),
    "a claim that shrinks": (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\n"
        "spec: {resources: {requests: {storage: 2Gi}}}",
        "2Gi",
        "2000Mi",
    ),
    "a volume's place": (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: x}\nspec: {local: {path: /a}}",
        "path: /a",
        "path: /b",
    ),
    "a binding's role": (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: {name: a}",
        "{name: a}",
        "{name: b}",
    ),
    "a storage class": (
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\nprovisioner: a",
        "provisioner: a",
        "provisioner: a\nreclaimPolicy: Retain",
    ),
    "a fixed ConfigMap": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nimmutable: true\ndata: {a: one}",
        "one",
        "two",
    ),
    "a Secret's type": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ntype: Opaque",
        "Opaque",
        "kubernetes.io/tls",
    ),
    "a priority": (
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: x}\nvalue: 1",
        "value: 1",
        "value: 2",
    ),
    "a definition's scope": (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
        "spec: {scope: Cluster}",
        "Cluster}",
        "Namespaced}",
    ),
}
FINE = {
    "replicas and image": (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {replicas: 1, template: {image: a}}",
        "replicas: 1, template: {image: a}",
        "replicas: 2, template: {image: b}",
    ),
    "a default written out": (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {serviceName: a}",
        "serviceName: a",
        "serviceName: a, podManagementPolicy: OrderedReady",
    ),
    "an address that the cluster chose": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {type: ClusterIP}",
        "type: ClusterIP",
        "type: ClusterIP, clusterIP: 10.0.0.2",
    ),
    "a Service that was a mere name": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {type: ExternalName, clusterIP: ''}",
        "type: ExternalName, clusterIP: ''",
        "type: ClusterIP, clusterIP: 10.0.0.2",
    ),
    "a claim that grows": (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\n"
        "spec: {resources: {requests: {storage: 2Gi}}}",
        "2Gi",
        "2.5Gi",
    ),
    "a hook": (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, annotations: {argocd.argoproj.io/hook: PreSync}}\n"
        "spec: {template: {spec: {image: a}}}",
        "image: a",
        "image: b",
    ),
    "an object that is replaced": (
        "apiVersion: batch/v1\nkind: Job\n"
        "metadata: {name: x, annotations: {argocd.argoproj.io/sync-options: 'Force=true,Replace=true'}}\n"
        "spec: {template: {spec: {image: a}}}",
        "image: a",
        "image: b",
    ),
    "a ConfigMap that is not fixed": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: one}",
        "one",
        "two",
    ),
    "a generated, fixed ConfigMap": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x-2456789bcd}\nimmutable: true\ndata: {a: one}",
        "x-2456789bcd}\nimmutable: true\ndata: {a: one",
        "x-2456789bcf}\nimmutable: true\ndata: {a: two",
    ),
}


def judge(case: tuple[str, str, str]) -> list[Finding]:
    text, old, new = case
    assert old in text
    before, after = objects(text), objects(text.replace(old, new))
    assert before[-1].body != after[-1].body
    return refused(estate(after), compare(before, after))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_the_api_server_refuses_is_one_finding(case: tuple[str, str, str]) -> None:
    (found,) = judge(case)
    assert found.rule == "change/immutable"
    assert found.severity == "error"
    assert "new name" in found.mend


@pytest.mark.parametrize("case", FINE.values(), ids=FINE.keys())
def test_what_it_takes_is_none(case: tuple[str, str, str]) -> None:
    assert judge(case) == []


DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  names: {kind: Rollout}
  versions:
  - schema:
      openAPIV3Schema:
        properties:
          spec:
            properties:
              selector: {type: object, x-kubernetes-validations: [{rule: self == oldSelf}]}
              replicas: {type: integer, x-kubernetes-validations: [{rule: self >= 0}]}
---
"""
ROLLOUT = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: x}\nspec: {selector: a, replicas: 1}"


def test_custom_kinds_say_themselves_what_stays() -> None:
    assert len(judge((DEFINITION + ROLLOUT, "selector: a", "selector: b"))) == 1
    assert judge((DEFINITION + ROLLOUT, "replicas: 1", "replicas: 2")) == []
    assert judge((ROLLOUT, "selector: a", "selector: b")) == [], "an unknown kind is the schema's finding"


def test_a_secrets_value_is_not_told() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nimmutable: true\nstringData: {a: one-two}"
    (found,) = judge((text, "one-two", "three"))
    assert "one-two" not in str(found)
