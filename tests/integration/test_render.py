"""Every leaf of every cluster renders, from mirrors alone, into objects that hold together."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import offline_kustomize

from onair.adapters import kustomize

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
LEAVES = sorted(path.parent for path in ROOT.glob("clusters/*/*/*/kustomization.yaml"))
APPS = [leaf for leaf in LEAVES if leaf.parent.name == "apps"]
CLUSTERS = sorted({leaf.parts[-3] for leaf in LEAVES})
PLACEHOLDER = re.compile(r"\.invalid\b|//hub/|clusters/cluster/|/onair/cluster/|^(fact|zone|git)$|^192\.0\.2\.")
WORKLOADS = {"Deployment", "StatefulSet", "Job"}
FACTS = {
    "REGION": "region",
    "PEER": "peer",
    "CURRENCY": "currency",
    "LOCALE": "locale",
    "ENVIRONMENT": "environment",
}


def name(leaf: Path) -> str:
    return str(leaf.relative_to(ROOT / "clusters"))


@cache
def render(leaf: Path) -> list[dict[str, Any]]:
    binary, environment = offline_kustomize(ROOT)
    return kustomize.build(leaf, binary=binary, environment=environment)


def of(leaf: Path, *kinds: str) -> list[dict[str, Any]]:
    return [found for found in render(leaf) if found["kind"] in kinds]


def strings(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    spec = workload["spec"]["template"]["spec"]
    return [*spec["containers"], *spec.get("initContainers", [])]


@pytest.mark.parametrize("leaf", LEAVES, ids=name)
def test_leaf_renders_complete(leaf: Path) -> None:
    objects = [found for found in render(leaf) if found["kind"] != "CustomResourceDefinition"]
    assert objects
    for found in objects:
        where = f"{found['kind']}/{found['metadata']['name']}"
        assert found["kind"] not in {"Platform", "Cluster"}, "a fact would be applied"
        assert found["kind"] != "Secret" or not found.get("data"), "a secret in git"
        left = [text for text in strings(found) if PLACEHOLDER.search(text)]
        assert not left, f"{where}: {left}"
        if found["kind"] in WORKLOADS:
            for container in containers(found):
                image = container["image"]
                assert re.search(r"(@sha256:[0-9a-f]{64}|:[\w.-]+)$", image), f"{where}: {image} is not pinned"
                assert not image.endswith((":latest", ":master")), where


@pytest.mark.parametrize("leaf", APPS, ids=name)
def test_pods_are_told_where_they_run(leaf: Path) -> None:
    facts = yaml.safe_load((leaf.parents[1] / "facts/cluster.yaml").read_text())
    for workload in of(leaf, *WORKLOADS):
        (app,) = containers(workload)
        env = {entry["name"]: entry["value"] for entry in app["env"] if "value" in entry}
        assert {key: env[key] for key in FACTS} == {key: facts["spec"][field] for key, field in FACTS.items()}
        assert env["CLUSTER"] == facts["metadata"]["name"]
        assert env["TIMEZONE"] == facts["spec"]["timezone"]
        order = list(env)
        for name in {"PEER_ORIGINS", "PEERS"} & set(order):  # Kubernetes expands only what stands before
            assert "$(PEER)" in env[name]
            assert max(order.index("PEER"), order.index("DOMAIN")) < order.index(name)


@pytest.mark.parametrize("cluster", ["prod-kr", "prod-us"])
def test_the_clouds_databases_stand_in_the_clusters_own_range(cluster: str) -> None:
    facts = yaml.safe_load((ROOT / f"clusters/{cluster}/facts/cluster.yaml").read_text())
    leaves = [leaf for leaf in APPS if leaf.parts[-3] == cluster]
    rules = [rule for leaf in leaves for found in of(leaf, "NetworkPolicy") for rule in found["spec"].get("egress", [])]
    data = [rule["to"][0]["ipBlock"] for rule in rules if {"port": 6379} in rule["ports"] and "ipBlock" in str(rule)]
    assert len(data) == 8, "of each service that keeps something, and of each migration"
    assert {block["cidr"] for block in data} == {facts["spec"]["network"]["cidr"]}


CANARIES = {"order", "worker"}
"""Stock and payments meet few buyers first, and worker serves nobody; the others switch between two colours."""


@pytest.mark.parametrize("leaf", [leaf for leaf in APPS if leaf.name != "origin"], ids=name)
def test_service_is_delivered_progressively(leaf: Path) -> None:
    service = leaf.name
    (deployment,) = of(leaf, "Deployment")
    (rollout,) = of(leaf, "Rollout")
    (scaler,) = of(leaf, "HorizontalPodAutoscaler")
    (budget,) = of(leaf, "PodDisruptionBudget")
    routes = of(leaf, "HTTPRoute")
    services = {found["metadata"]["name"]: found["spec"] for found in of(leaf, "Service")}
    assert deployment["spec"]["replicas"] == 0
    assert "replicas" not in rollout["spec"], "the HorizontalPodAutoscaler's"
    assert rollout["spec"]["workloadRef"]["name"] == service
    strategy, own = rollout["spec"]["strategy"], set(services) - {f"{service}-peer"}
    if service in CANARIES:
        assert strategy.keys() == {"canary"}
        assert strategy["canary"]["maxUnavailable"] == 0
        assert own == ({service} if routes else set())
    else:
        assert own == {strategy["blueGreen"]["activeService"], strategy["blueGreen"]["previewService"]}
        assert routes
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "name": service,
    }
    assert scaler["spec"]["minReplicas"] >= 2
    assert budget["spec"]["maxUnavailable"] == 1
    assert all(route["spec"]["rules"][0]["backendRefs"][0]["name"] == service for route in routes)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in [
        *(found["selector"] for found in services.values()),
        budget["spec"]["selector"]["matchLabels"],
    ]:
        assert selector.items() <= labels.items()
    stop = deployment["spec"]["template"]["spec"]
    sleep = stop["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert stop["terminationGracePeriodSeconds"] > sleep + 20, "drain 5 s and the longest request 15 s"


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_secrets_that_pods_need_are_listed(cluster: str) -> None:
    listed = yaml.safe_load((ROOT / "clusters/platform/secrets.yaml").read_text())["spec"]
    environment = cluster.split("-", maxsplit=1)[0]
    have = {
        (secret["namespace"], secret["name"]): set(secret.get("keys", {}))
        for secret in listed
        if environment not in secret.get("absent", [])
    }
    for leaf in LEAVES:
        if cluster not in leaf.parts or leaf.name in {"argocd", "rollouts"}:  # upstream makes its own
            continue
        for workload in of(leaf, *WORKLOADS):
            namespace = workload["metadata"]["namespace"]
            for container in containers(workload):
                for entry in container.get("env", []):
                    if key := entry.get("valueFrom", {}).get("secretKeyRef"):
                        assert key["key"] in have[namespace, key["name"]]
                for entry in container.get("envFrom", []):
                    assert (namespace, entry["secretRef"]["name"]) in have


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_our_namespaces_are_restricted(cluster: str) -> None:
    enforced = {
        found["metadata"]["name"]: found["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        for found in of(LEAVES[0].parents[2] / cluster / "infrastructure/namespaces", "Namespace")
    }
    assert enforced["shop"] == enforced["data"] == "restricted"
