"""Which certificates a region needs, and for whom: data only; :mod:`onair.adapters.local.pki` signs them."""

from __future__ import annotations

from dataclasses import dataclass

from onair.core.facts import Cluster

CLUSTER_CA, FRONT_PROXY_CA, ETCD_CA = "ca", "front-proxy-ca", "etcd-ca"
"""Three authorities a region: who may speak for users (front proxy) must not be whoever may be a user."""


@dataclass(frozen=True)
class Certificate:
    """One key pair: ``authority`` signs ``common_name`` for clients, or for servers at ``names``."""

    file: str
    authority: str
    common_name: str
    organization: str = ""
    names: tuple[str, ...] = ()
    """DNS names and addresses; a certificate with any serves, one without is a client's."""


def certificates(cluster: Cluster, extra_api_names: tuple[str, ...]) -> list[Certificate]:
    """Return the certificates of a region's control plane and nodes.

    Parameters
    ----------
    cluster
        The region's facts.
    extra_api_names
        Further addresses that the API server answers on (the machine's management link).
    """
    services = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    api = ("127.0.0.1", str(cluster.control_plane), str(cluster.api_service), *services, *extra_api_names)
    certs = [
        Certificate("etcd", ETCD_CA, "etcd", names=("127.0.0.1", "localhost")),
        Certificate("etcd-client", ETCD_CA, "kube-apiserver"),
        Certificate("apiserver", CLUSTER_CA, "kube-apiserver", names=api),
        Certificate("apiserver-kubelet", CLUSTER_CA, "kube-apiserver-kubelet-client", "system:kubelet-api-admins"),
        Certificate("front-proxy-client", FRONT_PROXY_CA, "front-proxy-client"),
        Certificate("admin", CLUSTER_CA, "onair-admin", "system:masters"),
        Certificate("controller-manager", CLUSTER_CA, "system:kube-controller-manager"),
        Certificate("scheduler", CLUSTER_CA, "system:kube-scheduler"),
        Certificate("proxy", CLUSTER_CA, "system:kube-proxy"),
    ]
    for node in cluster.nodes:
        certs.append(Certificate(f"{node.name}-client", CLUSTER_CA, f"system:node:{node.name}", "system:nodes"))
        names = (node.name, str(node.address))
        certs.append(Certificate(f"{node.name}-serving", CLUSTER_CA, f"system:node:{node.name}", names=names))
    return certs
