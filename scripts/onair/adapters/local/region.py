"""One region: its control plane and nodes on this machine, and the day-0 objects that hand it to Argo CD."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from onair.adapters import kube_api
from onair.adapters.kube_api import KubeApi
from onair.adapters.kubectl import Kubectl, wait
from onair.adapters.local import cgroups, files, pki
from onair.adapters.local.supervisor import Supervisor
from onair.core import control_plane, node
from onair.core.control_plane import Binary
from onair.core.facts import Cluster, Node, Platform
from onair.core.paths import Paths
from onair.core.pki import certificates
from onair.core.topology import management_address

READY_SECONDS = 120


@dataclass(frozen=True)
class Region:
    """A local cluster with all that is needed to run it.

    ``index`` is the cluster's place among the local clusters, which decides its link addresses.
    """

    platform: Platform
    cluster: Cluster
    index: int
    paths: Paths
    binary: Binary

    @property
    def management(self) -> str:
        """The API server's address on the link that stays up when the region is cut off."""
        return str(management_address(self.platform, self.index)[1].ip)

    @property
    def kubectl(self) -> Kubectl:
        """Kubectl as the region's administrator."""
        return Kubectl(self.binary("kubectl"), self.paths.kubeconfig(self.cluster.name))

    @cached_property
    def api(self) -> KubeApi:
        """The region's API server, to read from; known once the control plane was started."""
        return KubeApi(self.paths.kubeconfig(self.cluster.name))

    def start_control_plane(self, supervisor: Supervisor) -> None:
        """Make keys and kubeconfigs, and run etcd, API server, controller manager and scheduler."""
        cluster, paths = self.cluster, self.paths
        pki.ensure_region(paths.pki(cluster.name), certificates(cluster, (self.management,)))
        (paths.region(cluster.name) / "etcd").mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write(control_plane.files(cluster, paths, self.management))
        supervisor.ensure(control_plane.services(cluster, paths, self.binary))

    def start_nodes(self, supervisor: Supervisor) -> None:
        """Register the nodes and run containerd, kubelet and kube-proxy on each.

        Raises
        ------
        OnairError
            If the API server does not become ready.
        """
        wait(f"{self.cluster.name}: API server ready", READY_SECONDS, self.api.ready)
        known = {item["metadata"]["name"] for item in self.api.items(kube_api.NODES)}
        new = [node.manifest(self.cluster, each) for each in self.cluster.nodes if each.name not in known]
        self.kubectl.apply([_kubelet_api_binding(), *new])
        for each in self.cluster.nodes:
            self._prepare(each)
            supervisor.ensure(node.services(self.platform, self.cluster, each, self.paths, self.binary))

    def wait_nodes(self) -> None:
        """Wait until every node is Ready.

        Raises
        ------
        OnairError
            If one does not become so; names it and its kubelet's reason.
        """
        wait(f"{self.cluster.name}: all nodes Ready", READY_SECONDS, self._nodes_ready)

    def make_volume_folders(self, folders: dict[str, int]) -> None:
        """Make the folders behind the `local` PersistentVolumes, owned by the user id that runs the pod."""
        for name, user in folders.items():
            folder = self.paths.region(self.cluster.name) / "volumes" / name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.chown(folder, user, user)
            folder.chmod(0o700)

    def _prepare(self, each: Node) -> None:
        files.write(node.files(self.platform, self.cluster, each, self.paths))
        cgroups.ensure(node.pods_cgroup(self.cluster, each))
        own = node.folder(self.paths, self.cluster, each)
        for name in ("kubelet", "pod-logs", "volume-plugins", "cni-data"):
            (own / name).mkdir(parents=True, exist_ok=True)

    def _nodes_ready(self) -> bool | str:
        missing = {n.name for n in self.cluster.nodes}
        reasons = []
        for item in self.api.items(kube_api.NODES):
            ready = next((c for c in item["status"].get("conditions", []) if c["type"] == "Ready"), None)
            if ready and ready["status"] == "True":
                missing.discard(item["metadata"]["name"])
            elif ready:
                reasons.append(f"{item['metadata']['name']}: {ready['message']}")
        return not missing or "; ".join(reasons) or f"{', '.join(sorted(missing))} not heard of"


def forget_containers(paths: Paths, node_name: str) -> None:
    """Delete what an earlier run's containers left in a node's image store; the images stay."""
    socket = paths.run / node_name / "containerd.sock"
    ctr = ["ctr", "--address", str(socket), "--namespace", "k8s.io"]
    names = subprocess.run([*ctr, "containers", "list", "--quiet"], capture_output=True, text=True, check=True)
    if found := names.stdout.split():
        subprocess.run([*ctr, "containers", "delete", *found], capture_output=True, check=False)


def _kubelet_api_binding() -> dict[str, Any]:
    api = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "onair:kubelet-api-admins"},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
        "subjects": [{"apiGroup": api, "kind": "Group", "name": "system:kubelet-api-admins"}],
    }
