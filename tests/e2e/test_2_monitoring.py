"""Prometheus sees all of its region, its figures follow real requests, and analyses come to a verdict by them."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from typing import Any

import httpx
import pytest
import yaml
from e2e.shop import ARGO, Shop

CLUSTERS = ("local-kr", "local-us")
each_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
PROXY = "/api/v1/namespaces/monitoring/services/prometheus:web/proxy/api/v1"
ARGOCD = (
    "app.kubernetes.io/name in ("
    + ",".join(
        f"argocd-{name}" for name in ("application-controller", "applicationset-controller", "repo-server", "server")
    )
    + ")"
)
FRESH_SECONDS = 120
"""Longest wait for a figure: the slowest scrape is 30 s, a rate needs two, and both regions share two cores."""
RATE, LOAD_SECONDS = 10.0, 75.0
SERIES = 25_000
"""What a region may have in memory; about twice what was measured."""
Sample = tuple[dict[str, str], float]


def ask(shop: Shop, cluster: str, query: str) -> list[Sample]:
    """Return what a region's Prometheus answers at this moment: labels and value of each sample."""
    found = shop.read(cluster, f"{PROXY}/query?{httpx.QueryParams(query=query)}")
    return [(each["metric"], float(each["value"][1])) for each in found["data"]["result"]]


def figure(shop: Shop, cluster: str, query: str) -> float | None:
    """Return the one value of a query, or None where there is none."""
    found = ask(shop, cluster, query)
    assert len(found) < 2, f"{query}: {found}"
    return found[0][1] if found else None


def running(shop: Shop, cluster: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
    """Return pods that run and are to stay."""
    items = shop.read(cluster, f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"]
    return [x for x in items if x["status"]["phase"] == "Running" and "deletionTimestamp" not in x["metadata"]]


def expected(shop: Shop, cluster: str) -> dict[str, set[str]]:
    """Return the pods or nodes that each job must reach, read from the region and not from Prometheus."""

    def names(pods: list[dict[str, Any]]) -> set[str]:
        return {pod["metadata"]["name"] for pod in pods}

    nodes = {node.name for node in shop.local.facts.cluster(cluster).nodes}
    component = "app.kubernetes.io/component"
    argocd = running(shop, cluster, "argocd", ARGOCD)
    return {
        "shop": names(running(shop, cluster, "shop", "app.kubernetes.io/part-of=shop")),
        "gateway": names(running(shop, cluster, "envoy-gateway-system", f"{component}=proxy")),
        "argocd": names(argocd),
        "rollouts": names(running(shop, cluster, "argo-rollouts")),
        "dns": names(running(shop, cluster, "kube-system", "k8s-app=kube-dns")),
        "kubelet": nodes,
        "api-server": {""},
        "prometheus": {""},
    }


@each_cluster
def test_every_target_is_there_and_none_is_refused(shop: Shop, cluster: str) -> None:
    def look() -> bool | str:
        found = defaultdict[str, set[str]](set)
        for target in shop.read(cluster, f"{PROXY}/targets?state=active")["data"]["activeTargets"]:
            labels = target["labels"]
            if target["health"] != "up":
                return f"{labels['job']} {labels.get('pod', labels['instance'])}: {target['lastError']}"
            found[labels["job"]].add(labels.get("pod", labels.get("node", "")))
        wanted = expected(shop, cluster)
        return found == wanted or str({job: found[job] ^ pods for job, pods in wanted.items() if found[job] != pods})

    shop.wait(f"{cluster}: every target up", FRESH_SECONDS, look, interval=2)
    for job in expected(shop, cluster):
        # dex counts nothing before its first sign-in
        empty = ask(shop, cluster, f'scrape_samples_post_metric_relabeling{{job="{job}",service!="identity"}} == 0')
        assert not empty, f"all that it says is thrown away: {empty}"


@each_cluster
def test_it_stays_small_and_every_rule_works(shop: Shop, cluster: str) -> None:
    series = figure(shop, cluster, "prometheus_tsdb_head_series")
    assert series is not None
    assert series < SERIES
    assert not ask(shop, cluster, "prometheus_rule_evaluation_failures_total > 0")
    assert not ask(shop, cluster, "prometheus_target_scrapes_exceeded_sample_limit_total > 0")
    health = [
        (rule["name"], rule.get("lastError"))
        for group in shop.read(cluster, f"{PROXY}/rules")["data"]["groups"]
        for rule in group["rules"]
        if rule["health"] != "ok"
    ]
    assert not health


@each_cluster
def test_every_service_has_figures_of_saturation_by_revision(shop: Shop, cluster: str) -> None:
    services = {x["metadata"]["name"] for x in shop.read(cluster, f"{ARGO}/shop/rollouts")["items"]}
    active = {(name, shop.rollout(cluster, name).active) for name in services}
    for record in ("cpu_of_core:max_rate1m", "memory_of_limit:max", "pods:count"):

        def known(name: str = f"service_revision:{record}") -> bool | str:
            found = {(x["service"], x.get("revision", "")) for x, _ in ask(shop, cluster, name)}
            return active <= found or f"{name}: none of {active - found}"

        shop.wait(f"{cluster}: {record}", FRESH_SECONDS, known, interval=2)
    full = {x["service"]: value for x, value in ask(shop, cluster, "service_revision:memory_of_limit:max")}
    assert all(0 < value < 1 for value in full.values()), full
    used = {x["service"]: value for x, value in ask(shop, cluster, "service:cpu_of_request:avg_rate1m")}
    assert services <= used.keys()


@each_cluster
def test_figures_of_web_follow_real_requests(shop: Shop, cluster: str) -> None:
    active = shop.rollout(cluster, "web").active
    total = f'sum(http_requests_total{{service="web",revision="{active}",route="/",code="200"}})'
    figure(shop, cluster, total)
    shop.fetch("/", cluster)  # a counter that is not there yet has no value to compare with
    shop.wait(f"{cluster}: web counts", FRESH_SECONDS, lambda: figure(shop, cluster, total) is not None, interval=2)
    time.sleep(15)  # what was asked before is counted by now
    before = figure(shop, cluster, total) or 0
    with shop.load("/", cluster, RATE, LOAD_SECONDS) as load:

        def follows() -> bool | str:
            rates = {
                "service": figure(shop, cluster, 'service:http_requests:rate1m{service="web"}'),
                "revision": figure(shop, cluster, f'service_revision:http_requests:rate1m{{revision="{active}"}}'),
                "gateway": figure(shop, cluster, 'gateway_service:requests:rate1m{service="web"}'),
            }
            return all(rate and 0.8 * RATE < rate < 2 * RATE for rate in rates.values()) or str(rates)

        shop.wait(f"{cluster}: rates follow", LOAD_SECONDS, follows, interval=2)
        assert figure(shop, cluster, 'service:http_errors:ratio_rate1m{service="web"}') == 0
        assert figure(shop, cluster, 'gateway_service:errors:ratio_rate1m{service="web"}') == 0
        duration = 'service:http_request_duration_seconds:{}_rate1m{{service="web"}}'
        p50, p99 = (figure(shop, cluster, duration.format(quantile)) for quantile in ("p50", "p99"))
    result = load.result
    told = shop.tell(f"{cluster}: web, beside its figures", result)
    assert p50 is not None
    assert p99 is not None
    assert 0 < p50 <= p99

    def counted() -> bool | str:
        more = (figure(shop, cluster, total) or 0) - before
        return result.ok <= more <= 1.1 * result.sent or f"{more:.0f} counted of {result.sent} sent"

    shop.wait(f"{cluster}: every request counted; {told}", 60, counted, interval=2)


def judged(shop: Shop, cluster: str, template: str, metric: str, **arguments: str) -> str:
    """Run one measurement of a ClusterAnalysisTemplate's metric, and return the controller's verdict."""
    text = (shop.path / "infrastructure/monitoring/base/analysis.yaml").read_text(encoding="utf-8")
    (spec,) = [x["spec"] for x in yaml.safe_load_all(text) if x["metadata"]["name"] == template]
    (found,) = [x for x in spec["metrics"] if x["name"] == metric]
    once = found | {"count": 1, "failureLimit": 0, "inconclusiveLimit": 0, "initialDelay": "0s"}
    args = [each | {"value": arguments.get(each["name"], each.get("value", ""))} for each in spec["args"]]
    name = f"e2e-{metric}-{len(arguments)}-{int(time.time())}"
    metadata = {"name": name, "namespace": "shop"}
    run = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": metadata}
    kubectl = shop.kubectl(cluster)
    kubectl.run("create", "-f", "-", text=json.dumps(run | {"spec": {"metrics": [once], "args": args}}))
    path, phase = f"{ARGO}/shop/analysisruns/{name}", ""

    def ended() -> bool | str:
        nonlocal phase
        phase = shop.read(cluster, path).get("status", {}).get("phase", "")
        return phase not in ("", "Pending", "Running") or phase

    try:
        shop.wait(f"{cluster}: {name}", FRESH_SECONDS, ended, interval=1)
    finally:
        kubectl.run("delete", "-n", "shop", "analysisrun", name)
    return phase


@each_cluster
def test_analyses_come_to_the_right_verdict(shop: Shop, cluster: str) -> None:
    active = shop.rollout(cluster, "web").active
    web = {"service": "web", "latest": active, "stable": active}
    with shop.load("/", cluster, RATE, LOAD_SECONDS):
        seen = f'service_revision:http_requests:rate1m{{revision="{active}"}} > {RATE / 2}'
        shop.wait(f"{cluster}: figures", FRESH_SECONDS, lambda: bool(ask(shop, cluster, seen)), interval=2)
        for template, metric in (("release-errors", "error-ratio"), ("release-latency", "p99")):
            limit = "error-limit" if metric == "error-ratio" else "latency-limit"
            assert judged(shop, cluster, template, metric, **web) == "Successful"
            assert judged(shop, cluster, template, metric, **web | {limit: "-1"}) == "Failed"
            assert judged(shop, cluster, template, metric, **web | {"latest": "nobody"}) == "Inconclusive"
        for metric in ("processor", "memory"):
            assert judged(shop, cluster, "release-saturation", metric, **web) == "Successful"
            assert judged(shop, cluster, "release-saturation", metric, **web | {"latest": "nobody"}) == "Inconclusive"
