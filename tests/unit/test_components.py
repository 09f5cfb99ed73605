"""The commands and files of a region: safe settings, and no reference to a key that nobody makes."""

import json
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from onair.adapters.facts_file import read
from onair.core import control_plane, hub, node
from onair.core.facts import Cluster
from onair.core.paths import Paths
from onair.core.pki import CLUSTER_CA, ETCD_CA, FRONT_PROXY_CA, certificates
from onair.core.service import Service, run_script
from onair.core.topology import HUB, netns, node_netns

FACTS = read(Path(__file__).resolve().parents[2])
PATHS = Paths(Path("/cache"), Path("/state"), Path("/run/x"))
each_cluster = pytest.mark.parametrize("cluster", FACTS.local(), ids=lambda cluster: cluster.name)


def binary(name: str) -> Path:
    return Path("/cache/bin") / name


def services(cluster: Cluster) -> dict[str, Service]:
    nodes = [s for each in cluster.nodes for s in node.services(FACTS.platform, cluster, each, PATHS, binary)]
    return {s.name: s for s in [*control_plane.services(cluster, PATHS, binary), *nodes]}


def files(cluster: Cluster) -> dict[Path, str]:
    found = control_plane.files(cluster, PATHS, "10.60.0.194")
    for each in cluster.nodes:
        found |= node.files(FACTS.platform, cluster, each, PATHS)
    return found


def flags(service: Service) -> set[str]:
    return set(service.argv[1:])


@each_cluster
def test_every_key_that_is_named_is_made(cluster: Cluster) -> None:
    made = {c.file for c in certificates(cluster, ())} | {CLUSTER_CA, FRONT_PROXY_CA, ETCD_CA, "service-account"}
    texts: Iterable[str] = [*(" ".join(s.argv) for s in services(cluster).values()), *files(cluster).values()]
    named = set(re.findall(rf"{PATHS.pki(cluster.name)}/([\w.-]+)\.(?:crt|key|pub)", " ".join(texts)))
    assert named
    assert named <= made


@each_cluster
def test_each_authority_signs_only_for_its_own_purpose(cluster: Cluster) -> None:
    by_file = {c.file: c for c in certificates(cluster, ("10.60.0.194",))}
    assert {c.file for c in by_file.values() if c.authority == FRONT_PROXY_CA} == {"front-proxy-client"}
    assert {c.file for c in by_file.values() if c.authority == ETCD_CA} == {"etcd", "etcd-client"}
    assert {c.file for c in by_file.values() if c.organization == "system:masters"} == {"admin"}
    api = by_file["apiserver"].names
    assert {"10.60.0.194", str(cluster.control_plane), str(cluster.api_service), "kubernetes.default.svc"} <= set(api)
    for each in cluster.nodes:
        identity = by_file[f"{each.name}-client"]
        assert (identity.common_name, identity.organization) == (f"system:node:{each.name}", "system:nodes")
        assert by_file[f"{each.name}-serving"].names == (each.name, str(each.address))


@each_cluster
def test_control_plane_trusts_nobody_unknown_and_syncs_to_disk(cluster: Cluster) -> None:
    found = services(cluster)
    api, etcd = flags(found["kube-apiserver"]), flags(found["etcd"])
    assert {"--anonymous-auth=false", "--authorization-mode=Node,RBAC"} <= api
    assert "--enable-admission-plugins=NodeRestriction" in api
    assert any(flag.startswith("--kubelet-certificate-authority=") for flag in api)
    assert "--client-cert-auth" in etcd
    assert not [flag for flag in etcd if "fsync" in flag]
    urls = [flag.partition("=")[2] for flag in etcd if flag.startswith("--listen")]
    assert all(re.fullmatch(r"https?://127\.0\.0\.1:\d+", url) for url in urls)
    assert {s.netns for s in found.values() if "." not in s.name} == {netns(cluster, "control")}


@each_cluster
def test_kubelets_take_only_the_regions_certificates(cluster: Cluster) -> None:
    for each in cluster.nodes:
        written = node.files(FACTS.platform, cluster, each, PATHS)
        own = node.folder(PATHS, cluster, each)
        kubelet = yaml.safe_load(written[own / "kubelet.yaml"])
        assert kubelet["authentication"]["anonymous"] == {"enabled": False}
        assert kubelet["authentication"]["webhook"] == {"enabled": True}
        assert kubelet["authorization"] == {"mode": "Webhook"}
        assert kubelet["tlsCertFile"].endswith(f"{each.name}-serving.crt")
        assert kubelet["cgroupRoot"].startswith("/onair/"), "down finds processes by that cgroup"
        assert kubelet["clusterDNS"] == [str(cluster.network.dns)]
        bridge = json.loads(written[own / "cni/10-bridge.conflist"])["plugins"][0]
        assert bridge["ipam"]["ranges"] == [[{"subnet": str(each.pods)}]]
        manifest = node.manifest(cluster, each)
        assert manifest["spec"]["podCIDR"] == str(each.pods)
        assert manifest["metadata"]["labels"]["topology.kubernetes.io/zone"] == each.zone


def test_images_come_from_the_local_registry_alone() -> None:
    cluster = FACTS.local()[0]
    written = node.files(FACTS.platform, cluster, cluster.nodes[0], PATHS)
    hosts = {path.parent.name: text for path, text in written.items() if path.name == "hosts.toml"}
    assert hosts.keys() == {"docker.io", "quay.io", "registry.k8s.io", FACTS.platform.spec.registries.local}
    assert all(text.count(hub.registry_url(FACTS.platform)) == 2 for text in hosts.values())


def test_two_nodes_share_no_file_and_no_service() -> None:
    written = [set(node.files(FACTS.platform, c, each, PATHS)) for c in FACTS.local() for each in c.nodes]
    assert len(set.union(*written)) == sum(map(len, written))
    ids = [s.id for cluster in FACTS.local() for s in services(cluster).values()]
    assert len(set(ids)) == len(ids)


def test_the_hub_stays_in_its_namespace_and_lets_the_machine_alone_push() -> None:
    found = {s.name: s for s in hub.services(FACTS.platform, PATHS, binary)}
    assert {s.netns for s in found.values()} == {HUB}
    assert found["git"].argv[-1] == hub.machine_address(FACTS.platform)
    config = hub.registry_config(FACTS.platform, PATHS)
    assert config["http"]["addr"].startswith(f"{FACTS.platform.spec.hub.address}:")
    assert config["storage"]["filesystem"]["rootdirectory"].startswith("/cache/"), "images survive down"


def test_the_keeper_of_records_follows_the_pods_of_every_node() -> None:
    folders = json.loads(hub.keeper(FACTS, PATHS).argv[-1])
    assert sorted(folders.values()) == sorted(each.name for each in FACTS.local() for _ in each.nodes)
    for cluster in FACTS.local():
        for each in cluster.nodes:
            kubelet = node.files(FACTS.platform, cluster, each, PATHS)[
                node.folder(PATHS, cluster, each) / "kubelet.yaml"
            ]
            told = yaml.safe_load(kubelet)["podLogsDir"]
            assert folders[told] == cluster.name


def test_a_service_in_a_namespace_enters_it_without_hiding_cgroups() -> None:
    cluster = FACTS.local()[0]
    script = run_script(services(cluster)[f"{cluster.nodes[0].zone}.kubelet"], [])
    assert f"nsenter --net=/run/netns/{node_netns(cluster.nodes[0])} -- " in script
    assert "ip netns exec" not in script


def run(service: Service, cgroup_files: list[str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "run"
    script.write_text(run_script(service, cgroup_files))
    return subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False)


def test_a_run_script_joins_its_cgroups_and_keeps_words_and_environment(tmp_path: Path) -> None:
    joins = [str(tmp_path / "v1 cpu"), str(tmp_path / "memory")]
    argv = ("/bin/sh", "-c", 'echo "$1 $TOLD $NOT_TOLD"; nice', "x", "it's 'one' word")
    done = run(Service("g", "n", argv, environment={"TOLD": "a  b"}, nice=3), joins, tmp_path)
    assert done.stdout == f"it's 'one' word a  b \n{os.nice(0) + 3}\n"
    pids = {Path(file).read_text().strip() for file in joins}
    assert len(pids) == 1


def test_a_run_script_waits_for_its_file_and_does_not_run_outside_its_cgroup(tmp_path: Path) -> None:
    early = Service("g", "n", ("/bin/echo", "ran"), wait_for=str(tmp_path / "socket"))
    assert (run(early, [], tmp_path).returncode, run(early, [], tmp_path).stdout) == (111, "")
    (tmp_path / "socket").touch()
    assert run(early, [], tmp_path).stdout == "ran\n"
    lost = run(early, [str(tmp_path / "no/cgroup.procs")], tmp_path)
    assert lost.returncode == 111
    assert "ran" not in lost.stdout
