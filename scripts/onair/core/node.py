"""A node of a region: containerd, kubelet and kube-proxy in a network namespace of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from onair.core.control_plane import Binary, api_server, kubeconfig
from onair.core.facts import Cluster, Node, Platform
from onair.core.paths import Paths
from onair.core.service import Service
from onair.core.topology import node_netns

PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
MIRRORED = ("docker.io", "quay.io", "registry.k8s.io")
"""Registries whose images the local registry answers for."""


def folder(paths: Paths, cluster: Cluster, node: Node) -> Path:
    """Return the folder with a node's own configuration and kubelet state."""
    return paths.region(cluster.name) / node.zone


def pod_logs(paths: Paths, cluster: Cluster, node: Node) -> Path:
    """Return the folder in which a node's kubelet keeps what its pods say."""
    return folder(paths, cluster, node) / "pod-logs"


def containerd_socket(paths: Paths, node: Node) -> Path:
    """Return the socket of a node's containerd."""
    return paths.run / node.name / "containerd.sock"


def pods_cgroup(cluster: Cluster, node: Node) -> str:
    """Return the cgroup that a node's pods live below."""
    return f"onair/{cluster.name}/{node.zone}.pods"


def files(platform: Platform, cluster: Cluster, node: Node, paths: Paths) -> dict[Path, str]:
    """Return a node's configuration files by path."""
    own, pki = folder(paths, cluster, node), paths.pki(cluster.name)
    return {
        own / "kubelet.kubeconfig": kubeconfig(api_server(cluster), pki, f"{node.name}-client"),
        own / "kubelet.yaml": yaml.safe_dump(_kubelet(cluster, node, paths)),
        own / "containerd.toml": _containerd(cluster, node, paths),
        own / "cni/10-bridge.conflist": json.dumps(_cni(node, own), indent=1),
        **_registry_hosts(platform, own),
    }


def services(platform: Platform, cluster: Cluster, node: Node, paths: Paths, binary: Binary) -> list[Service]:
    """Return a node's services."""
    own, space = folder(paths, cluster, node), node_netns(node)
    containerd = ("/usr/bin/containerd", "--config", f"{own}/containerd.toml")
    kubelet = (
        str(binary("kubelet")),
        f"--config={own}/kubelet.yaml",
        f"--kubeconfig={own}/kubelet.kubeconfig",
        f"--root-dir={own}/kubelet",
        f"--cert-dir={own}/kubelet-pki",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
        f"--node-labels={','.join(f'{key}={value}' for key, value in labels(cluster, node).items())}",
    )
    proxy = (
        str(binary("kube-proxy")),
        f"--kubeconfig={paths.region(cluster.name)}/proxy.kubeconfig",
        f"--cluster-cidr={cluster.network.pods}",
        f"--hostname-override={node.name}",
        f"--bind-address={node.address}",
        # conntrack limits belong to the machine, not to a namespace: leave them alone
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    )
    group = cluster.name
    text = {path.name: content for path, content in files(platform, cluster, node, paths).items()}
    socket = str(containerd_socket(paths, node))
    own_tmp = {"TMPDIR": str(paths.run)}  # a runc that is killed leaves its file there
    return [
        Service(group, f"{node.zone}.containerd", containerd, space, own_tmp, configuration=(text["containerd.toml"],)),
        Service(group, f"{node.zone}.kubelet", kubelet, space, wait_for=socket, configuration=(text["kubelet.yaml"],)),
        Service(group, f"{node.zone}.kube-proxy", proxy, space),
    ]


def labels(cluster: Cluster, node: Node) -> dict[str, str]:
    """Return the topology labels of a node."""
    return {
        "topology.kubernetes.io/region": str(cluster.spec.region),
        "topology.kubernetes.io/zone": node.zone,
    }


def manifest(cluster: Cluster, node: Node) -> dict[str, Any]:
    """Return the Node object that is registered before its kubelet starts, with the pod range its routes are for."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": {**labels(cluster, node), "kubernetes.io/hostname": node.name},
        },
        "spec": {"podCIDR": str(node.pods), "podCIDRs": [str(node.pods)]},
    }


def _kubelet(cluster: Cluster, node: Node, paths: Paths) -> dict[str, Any]:
    pki = paths.pki(cluster.name)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/{node.name}-serving.crt",
        "tlsPrivateKeyFile": f"{pki}/{node.name}-serving.key",
        "containerRuntimeEndpoint": f"unix://{containerd_socket(paths, node)}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{pods_cgroup(cluster, node)}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": ["pods"],
        "clusterDNS": [str(cluster.network.dns)],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "volumePluginDir": f"{folder(paths, cluster, node)}/volume-plugins",
        "podLogsDir": str(pod_logs(paths, cluster, node)),
        "nodeStatusUpdateFrequency": "4s",
        "nodeLeaseDurationSeconds": 12,
        "serializeImagePulls": False,
        "maxParallelImagePulls": 3,
        # Images are the cache: only a disk that is really full may evict.
        "imageGCHighThresholdPercent": 100,
        "imageMaximumGCAge": "0s",
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "50Mi"},
        "shutdownGracePeriod": "0s",
    }


def _containerd(cluster: Cluster, node: Node, paths: Paths) -> str:
    own = folder(paths, cluster, node)
    return f"""version = 2
root = "{paths.cache}/containerd/{node.name}"
state = "{paths.run}/{node.name}"
[grpc]
  address = "{containerd_socket(paths, node)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  max_concurrent_downloads = 4
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{own}/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{own}/registries"
"""


def _cni(node: Node, own: Path) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{own}/cni-data",
            "ranges": [[{"subnet": str(node.pods)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": f"onair-{node.name}", "plugins": [bridge, portmap]}


def _registry_hosts(platform: Platform, own: Path) -> dict[Path, str]:
    local = f"http://{platform.spec.hub.address}:{platform.spec.hub.registry_port}"
    content = f'server = "{local}"\n[host."{local}"]\n  capabilities = ["pull", "resolve"]\n'
    names = (*MIRRORED, platform.spec.registries.local)
    return {own / "registries" / name / "hosts.toml": content for name in names}
