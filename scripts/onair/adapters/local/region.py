"""One region: its control plane and nodes on this machine, and the day-0 objects that hand it to Argo CD."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from onair.adapters import kube_api
from onair.adapters.kube_api import KubeApi
from onair.adapters.kubectl import Kubectl, wait
from onair.adapters.local import cgroups, files, pki
from onair.adapters.local.supervisor import Supervisor
from onair.core import control_plane, node
from onair.core.control_plane import Binary
from onair.core.facts import Cluster, Node, Platform
from onair.core.finding import Finding, OnairError
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
        """The region's API server; known once the control plane was started."""
        return KubeApi(self.paths.kubeconfig(self.cluster.name))

    def start_control_plane(self, supervisor: Supervisor) -> None:
        """Make keys and kubeconfigs, and run etcd, API server, controller manager and scheduler."""
        cluster, paths = self.cluster, self.paths
        pki.ensure_region(paths.pki(cluster.name), certificates(cluster, (self.management,)))
        for folder in (paths.region(cluster.name) / "etcd", control_plane.audit_log(cluster.name, paths).parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write(control_plane.files(cluster, paths, self.management))
        supervisor.ensure(control_plane.services(cluster, paths, self.binary))

    def start_nodes(self, supervisor: Supervisor, images: Mapping[str, str]) -> None:
        """Register the nodes and run containerd, kubelet and kube-proxy on each.

        Parameters
        ----------
        supervisor
            Keeps them running.
        images
            Digest in the registry by image name and tag.

        Raises
        ------
        OnairError
            If the API server does not become ready.
        """
        wait(f"{self.cluster.name}: API server ready", READY_SECONDS, self.api.ready)
        known = {item["metadata"]["name"] for item in self.api.items(kube_api.NODES)}
        new = [each for each in self.cluster.nodes if each.name not in known]
        self.api.apply([_kubelet_api_binding(), *(node.manifest(self.cluster, each) for each in new)])
        for each in self.cluster.nodes:
            self._prepare(each)
            containerd, *rest = node.services(self.platform, self.cluster, each, self.paths, self.binary)
            supervisor.ensure([containerd])
            store = _Store(node.containerd_socket(self.paths, each))
            wait(f"{each.name}: containerd ready", READY_SECONDS, store.ready, interval=0.2)
            if each in new:
                store.forget_containers()
            store.forget_outdated(images)
            supervisor.ensure(rest)

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

    def kill_container(self, node_name: str, container: str) -> None:
        """Send SIGKILL to a container of a node: its process ends without a word.

        Raises
        ------
        OnairError
            If the node's containerd does not do it.
        """
        each = next(each for each in self.cluster.nodes if each.name == node_name)
        _Store(node.containerd_socket(self.paths, each)).kill(container)

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


class _Store:
    """A node's containerd, spoken to by ``ctr``."""

    def __init__(self, socket: Path) -> None:
        self._command = ["ctr", "--address", str(socket), "--namespace", "k8s.io"]

    def ready(self) -> bool:
        return self._run("version").returncode == 0

    def forget_containers(self) -> None:
        """Delete what an earlier run's containers left behind; the images stay."""
        if found := self._run("containers", "list", "--quiet").stdout.split():
            self._run("containers", "delete", *found)

    def forget_outdated(self, wanted: Mapping[str, str]) -> None:
        """Delete images whose tag has another digest in the registry by now, so that they are pulled again."""
        for line in self._run("images", "list").stdout.splitlines()[1:]:
            name, _, digest, *_ = line.split()
            if wanted.get(name, digest) != digest:
                self._run("images", "delete", name)

    def kill(self, container: str) -> None:
        done = self._run("tasks", "kill", "--signal", "SIGKILL", container)
        if done.returncode:
            raise OnairError(Finding(rule="platform/kill", what=f"{container[:12]}: {done.stderr.strip()}"))

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, *words], capture_output=True, text=True, check=False)


def _kubelet_api_binding() -> dict[str, Any]:
    api = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "onair:kubelet-api-admins"},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
        "subjects": [{"apiGroup": api, "kind": "Group", "name": "system:kubelet-api-admins"}],
    }
