"""Both regions run as they should, and refuse whom they should."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections import Counter
from typing import Any

import httpx
import psutil
import pytest
from e2e.shop import Shop

from onair.adapters.local import cgroups, network
from onair.core import topology
from onair.core.status import PlatformState

CLUSTERS = ("local-kr", "local-us")
each_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
IMAGE = "registry.k8s.io/pause:3.10"


def pod(namespace: str, security: dict[str, Any]) -> str:
    """Return the manifest of a pod with this container security context."""
    container = {"name": "app", "image": IMAGE, "securityContext": security}
    spec = {"containers": [container], "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}
    metadata = {"name": "e2e", "namespace": namespace}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def test_status_says_that_all_is_well(shop: Shop) -> None:
    done = shop.onair("status")
    assert done.code == 0, f"onair status found something wrong: {done.output}"
    assert "all is well" in done.output
    told = shop.onair("status", "--json", quiet=True)
    assert told.code == 0
    state = PlatformState.model_validate_json(told.output)
    assert {region.cluster for region in state.regions} == set(CLUSTERS)
    for region in state.regions:
        leaves = {path.parent.name for path in shop.path.glob(f"clusters/{region.cluster}/*/*/kustomization.yaml")}
        names = {app.name for app in region.applications}
        assert leaves - {"argocd"} <= names, "a leaf has no Application"
        assert all(app.good for app in region.applications), region.applications
        assert {rollout.name for rollout in region.rollouts} == {"catalog", "chat", "live", "order", "web", "worker"}
        assert all(rollout.phase == "Healthy" for rollout in region.rollouts), region.rollouts
        assert region.edge_healthy


@each_cluster
def test_nodes_show_version_and_zone(shop: Shop, cluster: str) -> None:
    version = shop.local.facts.platform.spec.versions["kubernetes"]
    facts = shop.local.facts.cluster(cluster)
    table = shop.kubectl(cluster).run("get", "nodes").stdout
    assert table.count(f"v{version}") == len(facts.nodes), table
    labels = [item["metadata"]["labels"] for item in shop.read(cluster, "/api/v1/nodes")["items"]]
    assert {x["topology.kubernetes.io/zone"] for x in labels} == set(facts.spec.zones)
    assert {x["topology.kubernetes.io/region"] for x in labels} == {str(facts.spec.region)}


@each_cluster
def test_gateway_and_services_stand_in_both_zones(shop: Shop, cluster: str) -> None:
    nodes = {node.name for node in shop.local.facts.cluster(cluster).nodes}
    gateway = "labelSelector=gateway.envoyproxy.io/owning-gateway-name=shop"
    proxies = shop.read(cluster, f"/api/v1/namespaces/envoy-gateway-system/pods?{gateway}")["items"]
    assert Counter(x["spec"]["nodeName"] for x in proxies) == dict.fromkeys(nodes, 1), "not one Envoy a zone"
    for name in ("catalog", "live", "web"):
        assert {x["spec"]["nodeName"] for x in shop.pods(cluster, name)} == nodes, f"{name} is not in every zone"


@each_cluster
@pytest.mark.parametrize("namespace", ["shop", "data", "monitoring"])
def test_pod_security_admits_restricted_pods_only(shop: Shop, cluster: str, namespace: str) -> None:
    kubectl = shop.kubectl(cluster)
    apply = ("apply", "--dry-run=server", "-f", "-")
    privileged = kubectl.run(*apply, text=pod(namespace, {"privileged": True}), check=False)
    assert privileged.returncode != 0, "a privileged pod is admitted"
    for security in (dict[str, Any](), {"runAsNonRoot": True, "capabilities": {"add": ["SYS_ADMIN"]}}):
        lax = kubectl.run(*apply, text=pod(namespace, security), check=False)
        assert lax.returncode != 0, f"a pod with {security} is admitted"
        assert 'violates PodSecurity "restricted' in lax.stderr, lax.stderr
    modest = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    admitted = kubectl.run(*apply, text=pod(namespace, modest), check=False)
    assert admitted.returncode == 0, f"a restricted pod is refused too: {admitted.stderr}"


@each_cluster
def test_api_server_refuses_anonymous_requests(shop: Shop, cluster: str) -> None:
    for path in ("/api", "/version", "/readyz"):
        assert shop.api(cluster, None).get(path).status_code == 401, path
    assert shop.api(cluster).get("/readyz").text == "ok"
    assert shop.api(cluster, "proxy").get("/api/v1/namespaces/shop/secrets").status_code == 403


@each_cluster
def test_kubelets_refuse_all_but_the_api_server(shop: Shop, cluster: str) -> None:
    keys = shop.local.paths.pki(cluster)
    answers = {None: 401, "proxy": 403, "apiserver-kubelet": 200}
    for node in shop.local.facts.cluster(cluster).nodes:
        for user, expected in answers.items():
            context = ssl.create_default_context(cafile=str(keys / "ca.crt"))  # the region's CA signs what it serves
            if user:
                context.load_cert_chain(keys / f"{user}.crt", keys / f"{user}.key")
            with httpx.Client(verify=context, timeout=10) as client:
                found = client.get(f"https://{node.address}:10250/pods").status_code
            assert found == expected, f"{node.name} answers {found} to {user or 'nobody'}"


@each_cluster
def test_metrics_of_nodes_and_pods_arrive_by_aggregation(shop: Shop, cluster: str) -> None:
    def figures() -> bool | str:
        found = shop.read(cluster, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods")["items"]
        missing = {x["metadata"]["name"] for name in ("catalog", "live", "web") for x in shop.pods(cluster, name)}
        missing -= {x["metadata"]["name"] for x in found}
        return not missing or f"no figures of {', '.join(sorted(missing))}"

    shop.wait(f"{cluster}: metrics of every pod", 90, figures)
    top = shop.kubectl(cluster).run("top", "nodes").stdout
    assert all(node.name in top for node in shop.local.facts.cluster(cluster).nodes), top

    def scaled_by_use() -> bool | str:
        path = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
        blind = [
            x["metadata"]["name"] for x in shop.read(cluster, path)["items"] if not x["status"].get("currentMetrics")
        ]
        return not blind or f"{', '.join(blind)} see no use"

    shop.wait(f"{cluster}: autoscalers see use", 60, scaled_by_use)


def test_nothing_listens_beyond_loopback_and_the_namespaces(shop: Shop) -> None:
    ours = set(cgroups.processes())
    # psutil sees the sockets of the machine's own namespace
    here = [x for x in psutil.net_connections("inet") if x.pid in ours and x.laddr and not x.raddr]
    addresses = [(psutil.Process(x.pid).name(), *x.laddr) for x in here]
    assert {port for _, _, port in addresses} >= set(shop.local.facts.platform.spec.edge.region_ports.values())
    beyond = [(name, ip, port) for name, ip, port in addresses if not ip.startswith("127.")]
    assert not beyond, f"listens beyond loopback: {beyond}"
    for cluster in shop.local.clusters:
        space = topology.netns(cluster, "control")
        command = [*network.enter(space), "ss", "-Hltn"]
        sockets = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
        local = {line.split()[3] for line in sockets if line}
        etcd = {x for x in local if x.endswith((":2379", ":2380", ":2381"))}
        assert etcd, "etcd does not listen?"
        assert all(x.startswith("127.0.0.1:") for x in etcd), f"etcd listens beyond loopback in {space}: {etcd}"
        assert {x for x in local if not x.startswith("127.")} <= {"*:6443", "0.0.0.0:6443"}, f"{space}: {local}"


def test_only_the_machine_may_push(shop: Shop) -> None:
    url = str(shop.local.facts.platform.spec.git.local)
    node = topology.node_netns(shop.local.clusters[0].nodes[0])
    command = [*network.enter(node), "git", "push", url, "HEAD:refs/heads/intruder"]
    done = subprocess.run(command, cwd=shop.path, capture_output=True, text=True, check=False)
    assert done.returncode != 0, "a node could push"
    assert "403" in done.stderr, done.stderr
