"""The control plane of a region: etcd, API server, controller manager and scheduler, as supervised services."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from onair.core import audit_policy
from onair.core.access.people import GROUPS
from onair.core.facts import Cluster
from onair.core.paths import Paths
from onair.core.service import Service
from onair.core.topology import netns

Binary = Callable[[str], Path]
"""Where the toolchain's program of that name is."""

NODE_GRACE_SECONDS = 20
"""A node is NotReady after this without a lease, which kubelet renews every 3 s. Gateways' active checks leave a lost
node much earlier. With 12 s, both regions' nodes were given up while a build and a load starved them, and all their
pods with them."""
TOLERATION_SECONDS = 10
"""Pods leave a NotReady node after this; the default is 300 s."""


def kubeconfig(server: str, pki: Path, user: str) -> str:
    """Return a kubeconfig for the client certificate ``user`` that talks to ``server``."""
    return f"""apiVersion: v1
kind: Config
current-context: onair
clusters: [{{name: onair, cluster: {{server: "{server}", certificate-authority: {pki}/ca.crt}}}}]
contexts: [{{name: onair, context: {{cluster: onair, user: {user}}}}}]
users: [{{name: {user}, user: {{client-certificate: {pki}/{user}.crt, client-key: {pki}/{user}.key}}}}]
"""


def files(cluster: Cluster, paths: Paths, management: str) -> dict[Path, str]:
    """Return the kubeconfigs of a region; the administrator's goes over the ``management`` address."""
    folder, pki = paths.region(cluster.name), paths.pki(cluster.name)
    server = api_server(cluster)
    found = {
        folder / f"{u}.kubeconfig": kubeconfig(server, pki, u) for u in ("controller-manager", "scheduler", "proxy")
    }
    found[paths.kubeconfig(cluster.name)] = kubeconfig(f"https://{management}:6443", pki, "admin")
    found[folder / "audit-policy.json"] = _audit_policy()
    return found


def audit_log(cluster: str, paths: Paths) -> Path:
    """Return the file in which a region's API server writes who did what."""
    return paths.region(cluster) / "audit/audit.log"


def _audit_policy() -> str:
    return json.dumps(audit_policy.policy(GROUPS), indent=1)


def api_server(cluster: Cluster) -> str:
    """Return the API server's address inside the region."""
    return f"https://{cluster.control_plane}:6443"


def services(cluster: Cluster, paths: Paths, binary: Binary) -> list[Service]:
    """Return the control plane's services.

    etcd syncs every write to disk (no ``--unsafe-no-fsync``). Aggregation and webhooks reach pods by their endpoints,
    since no kube-proxy runs beside the API server.
    """
    space, folder, pki = netns(cluster, "control"), paths.region(cluster.name), paths.pki(cluster.name)

    def service(name: str, *flags: str, nice: int = 0) -> Service:
        return Service(cluster.name, name, (str(binary(name)), *flags), space, nice=nice)

    etcd = service(
        "etcd",
        f"--name={cluster.name}",
        f"--data-dir={folder}/etcd",
        "--listen-client-urls=https://127.0.0.1:2379",
        "--advertise-client-urls=https://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        f"--initial-cluster={cluster.name}=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        f"--cert-file={pki}/etcd.crt",
        f"--key-file={pki}/etcd.key",
        "--client-cert-auth",
        f"--trusted-ca-file={pki}/etcd-ca.crt",
        "--auto-compaction-retention=1h",
        "--log-level=warn",
    )
    leader = ("--leader-elect=false",)
    manager = service(
        "kube-controller-manager",
        f"--kubeconfig={folder}/controller-manager.kubeconfig",
        f"--authentication-kubeconfig={folder}/controller-manager.kubeconfig",
        f"--authorization-kubeconfig={folder}/controller-manager.kubeconfig",
        f"--service-account-private-key-file={pki}/service-account.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials",
        # `up` registers the nodes with the pod ranges that the routes are made for.
        "--allocate-node-cidrs=false",
        # It only warns of wrong types in policies, and reads the API's whole schema for it, again with every new kind;
        # tests/integration/test_gate_policies.py asks for the same warnings.
        "--controllers=*,-validatingadmissionpolicy-status-controller",
        "--node-monitor-period=2s",
        f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s",
        "--bind-address=127.0.0.1",
        *leader,
    )
    scheduler = service(
        "kube-scheduler",
        f"--kubeconfig={folder}/scheduler.kubeconfig",
        f"--authentication-kubeconfig={folder}/scheduler.kubeconfig",
        f"--authorization-kubeconfig={folder}/scheduler.kubeconfig",
        "--bind-address=127.0.0.1",
        *leader,
    )
    flags = _api_server_flags(cluster, pki, paths)
    api = Service(
        cluster.name,
        "kube-apiserver",
        (str(binary("kube-apiserver")), *flags),
        space,
        configuration=(_audit_policy(),),
    )
    return [etcd, api, manager, scheduler]


def _api_server_flags(cluster: Cluster, pki: Path, paths: Paths) -> list[str]:
    log = audit_log(cluster.name, paths)
    return [
        f"--audit-policy-file={paths.region(cluster.name)}/audit-policy.json",
        f"--audit-log-path={log}",
        f"--audit-log-maxage={audit_policy.MAX_AGE_DAYS}",
        f"--audit-log-maxbackup={audit_policy.MAX_BACKUPS}",
        f"--audit-log-maxsize={audit_policy.MAX_MEBIBYTES}",
        f"--encryption-provider-config={pki}/encryption.json",
        "--etcd-servers=https://127.0.0.1:2379",
        f"--etcd-cafile={pki}/etcd-ca.crt",
        f"--etcd-certfile={pki}/etcd-client.crt",
        f"--etcd-keyfile={pki}/etcd-client.key",
        "--secure-port=6443",
        "--bind-address=0.0.0.0",
        f"--advertise-address={cluster.control_plane}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-cluster-ip-range={cluster.network.services}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-account.pub",
        f"--service-account-signing-key-file={pki}/service-account.key",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--default-not-ready-toleration-seconds={TOLERATION_SECONDS}",
        f"--default-unreachable-toleration-seconds={TOLERATION_SECONDS}",
        "--enable-aggregator-routing=true",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
        "--profiling=false",
    ]
