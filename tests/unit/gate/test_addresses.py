"""Addresses: the peak of a release counts every pod that can be there at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from onair.core.facts import Cluster, Platform
from onair.core.gate.address_rules import RULES, Peak, peak_of
from onair.core.gate.addresses import PLATFORM, link_overlaps, plan_holds, room_for_pods, room_for_services
from onair.core.gate.model import Estate, Object

ROOT = Path(__file__).resolve().parents[3]
FACTS = {
    path.parent.parent.name: yaml.safe_load(path.read_text())["spec"]
    for path in sorted(ROOT.glob("clusters/*/facts/cluster.yaml"))
}
SPEC = yaml.safe_load((ROOT / PLATFORM).read_text())["spec"]


def workload(kind: str, name: str = "x", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": []}}
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": {"template": template, **spec}}


def estate(*bodies: dict[str, Any], cluster: str = "prod-kr", **network: str) -> Estate:
    clusters = {name: {**spec, "network": {**spec["network"]}} for name, spec in FACTS.items()}
    clusters[cluster]["network"] |= network
    objects = [Object(cluster, "x", f"clusters/{cluster}/apps/x", body) for body in bodies]
    return Estate(objects, clusters, SPEC)


def rollout(most: int, strategy: dict[str, Any]) -> list[dict[str, Any]]:
    reference = {"workloadRef": {"kind": "Deployment", "name": "x"}, "strategy": strategy}
    scaler = {"scaleTargetRef": {"kind": "Rollout", "name": "x"}, "minReplicas": 2, "maxReplicas": most}
    return [
        workload("Deployment", replicas=0),
        {"kind": "Rollout", "metadata": {"name": "x", "namespace": "shop"}, "spec": reference},
        {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "x", "namespace": "shop"}, "spec": scaler},
    ]


@pytest.mark.parametrize(
    ("bodies", "pods"),
    [
        (rollout(4, {"blueGreen": {}}), 8),
        (rollout(10, {"canary": {"maxSurge": "30%"}}), 13),
        (rollout(10, {"canary": {"maxSurge": 1}}), 11),
        ([workload("Deployment", replicas=2)], 3),
        ([workload("Deployment")], 2),
        ([workload("Deployment", replicas=8)], 10),
        ([workload("Deployment", replicas=2, strategy={"rollingUpdate": {"maxSurge": 0}})], 2),
        ([workload("Deployment", replicas=2, strategy={"type": "Recreate"})], 2),
        ([workload("StatefulSet", replicas=3)], 3),
        ([workload("Job", parallelism=4)], 4),
        ([workload("Job")], 1),
    ],
)
def test_a_release_at_the_autoscalers_limit(bodies: list[dict[str, Any]], pods: int) -> None:
    assert peak_of(estate(*bodies), "prod-kr") == Peak(pods, 0)
    assert peak_of(estate(*bodies), "prod-us") == Peak(0, 0)


def test_every_node_runs_a_daemon_and_the_hosts_network_needs_no_address() -> None:
    host = workload("DaemonSet", "host")
    host["spec"]["template"]["spec"]["hostNetwork"] = True
    peak = peak_of(estate(workload("DaemonSet"), host), "prod-kr")
    assert peak == Peak(0, 1)
    assert peak.on(3) == 3


@pytest.mark.parametrize(
    ("cluster", "pods", "most", "fits"),
    [
        ("prod-kr", "10.65.64.0/26", 11, True),  # 3 zones: 4 parts of 16, 5 of each kept, one lost: 22
        ("prod-kr", "10.65.64.0/26", 12, False),
        ("local-kr", "10.61.64.0/18", 55, True),  # one node left, and kubelet takes 110
        ("local-kr", "10.61.64.0/18", 56, False),
    ],
)
def test_both_colours_fit_when_a_zone_is_lost(cluster: str, pods: str, most: int, fits: bool) -> None:
    found = list(room_for_pods(estate(*rollout(most, {"blueGreen": {}}), cluster=cluster, pods=pods)))
    assert [each.rule for each in found] == ([] if fits else ["addresses/pods"])


def test_more_services_than_addresses() -> None:
    def service(i: int) -> dict[str, Any]:
        return {"kind": "Service", "metadata": {"name": f"s{i}", "namespace": "shop"}, "spec": {}}

    assert not list(room_for_services(estate(*map(service, range(14)), services="10.65.128.0/28")))
    (found,) = room_for_services(estate(*map(service, range(15)), services="10.65.128.0/28"))
    assert "15 Services, 14 addresses" in found.what


def test_the_plan_of_this_repository_holds() -> None:
    assert not list(plan_holds(estate()))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("pods", "10.65.0.0/18", "overlaps nodes"),
        ("services", "10.66.128.0/20", "is outside cidr"),
        ("services", "10.65.128.0/28", "is no size that AWS takes"),
        ("cidr", "10.66.0.0/16", "overlaps"),
        ("cidr", "100.64.0.0/16", "has a meaning of its own|meets 100.64.0.0/10"),
        ("pods", "10.65.64.0/99", "not a valid"),
    ],
)
def test_a_spoilt_plan_is_found_with_its_file(field: str, value: str, says: str) -> None:
    found = list(plan_holds(estate(**{field: value})))
    assert any(part in each.what for each in found for part in says.split("|")), found
    assert {each.rule for each in found} == {"addresses/plan"}
    assert any(each.file == "clusters/prod-kr/facts/cluster.yaml" for each in found)


def test_links_of_too_many_regions_overlap() -> None:
    def region(i: int) -> Cluster:
        spec = {**FACTS["local-kr"], "peer": "local-01"}
        body = {"apiVersion": "onair.dev/v1", "kind": "Cluster", "metadata": {"name": f"local-{i:02}"}, "spec": spec}
        return Cluster.model_validate(body)

    whole = {"apiVersion": "onair.dev/v1", "kind": "Platform", "metadata": {"name": "onair"}, "spec": SPEC}
    platform = Platform.model_validate(whole)
    assert not link_overlaps(platform, [region(i) for i in range(16)])
    (found,) = link_overlaps(platform, [region(i) for i in range(17)])
    assert "edge:local-16" in found.what
    assert "inter-region:local-00:local-01" in found.what


def test_what_the_rules_go_by_changes_what_their_verdict_is_remembered_by() -> None:
    def bases(found: Estate) -> list[str]:
        return [repr(rule.basis(found)) for rule in RULES if rule.basis]

    service = {"kind": "Service", "metadata": {"name": "s", "namespace": "shop"}, "spec": {}}
    fixed = {**service, "spec": {"clusterIP": "10.65.128.9"}}
    plain, more = (
        bases(estate(workload("Deployment"), service)),
        bases(estate(workload("Deployment", replicas=9), fixed)),
    )
    assert len(plain) == len(RULES)
    assert [one == other for one, other in zip(plain, more, strict=True)] == [True, False, False]
    for field in ("pods", "services", "cidr", "nodes"):
        other = bases(estate(workload("Deployment"), service, **{field: "10.99.0.0/16"}))
        assert not set(other) & set(plain), field
