"""Day 0 of a region: what must stand before Argo CD can bring the rest, applied by hand once."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onair.adapters import kube_api
from onair.adapters.bootstrap import parts_of, rendered
from onair.adapters.kubectl import wait
from onair.adapters.local import pki, shared_secrets
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.region import Region
from onair.adapters.secrets_file import declared
from onair.core.day_zero import ARGOCD_SECONDS, CRD_SECONDS, Objects, argocd, kinds
from onair.core.facts import Environment
from onair.core.pki import CLUSTER_CA, Certificate
from onair.core.secrets import Values, fill, join, manifest

SECRETS_MANAGER = "onair"
"""Not Argo CD's name: its next apply of argocd-secret would take our key, which git does not hold, away again."""


def handed_over(region: Region) -> bool:
    """Tell whether the region follows git already."""
    return region.api.get(f"{kube_api.APPLICATIONS}/bootstrap") is not None


def render(local: LocalPlatform, tree: Path, cluster: str) -> dict[str, Objects]:
    """Render the day-0 parts of ``cluster`` out of ``tree``, an unpacked commit.

    Raises
    ------
    OnairError
        If a part does not render.
    """
    folder = tree / "clusters" / cluster / "infrastructure"
    return rendered(folder, parts_of(folder), local.tools, local.git_environment())


def bootstrap(local: LocalPlatform, region: Region, parts: Mapping[str, Objects]) -> None:
    """Apply the day-0 ``parts`` and hand the region to Argo CD.

    Raises
    ------
    OnairError
        If a part does not apply.
    """
    api, name = region.api, region.cluster.name
    api.apply(parts["namespaces"])
    make_secrets(local, region)
    api.apply([_node_names(local), *parts["dns"]])
    definitions, (own, followed) = kinds(parts), argocd(parts)
    api.apply(definitions)
    names = {x["metadata"]["name"] for x in definitions}
    wait(f"{name}: kinds known", CRD_SECONDS, lambda: names <= _established(region))
    api.apply(own)
    wait(f"{name}: Argo CD ready", ARGOCD_SECONDS, lambda: _available(region, "argocd"))
    api.apply(followed)


def _available(region: Region, namespace: str) -> bool | str:
    waiting = [
        item["metadata"]["name"]
        for kind in ("deployments", "statefulsets")
        for item in region.api.items(f"/apis/apps/v1/namespaces/{namespace}/{kind}")
        if item["status"].get("readyReplicas", 0) < item["spec"]["replicas"]
    ]
    return not waiting or f"{', '.join(waiting)} not ready"


def _established(region: Region) -> set[str]:
    return {
        item["metadata"]["name"]
        for item in region.api.items(kube_api.DEFINITIONS)
        if any(c["type"] == "Established" and c["status"] == "True" for c in item["status"].get("conditions") or [])
    }


def _node_names(local: LocalPlatform) -> dict[str, Any]:
    """Return names for the nodes of both regions, which CoreDNS serves in place of Route 53."""
    domain = local.facts.platform.spec.domains.local
    lines = [
        f"{node.address} node-{number}.{cluster.name}.{domain}"
        for cluster in local.clusters
        for number, node in enumerate(cluster.nodes, 1)
    ]
    metadata = {"namespace": "kube-system", "name": "node-names"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"hosts": "\n".join(lines) + "\n"}}


def make_secrets(local: LocalPlatform, region: Region) -> None:
    """Make the Secrets that git does not hold; values that exist stay."""
    specs = declared(local.root, Environment.LOCAL)
    present: Values = {}
    for item in region.api.items(kube_api.SECRETS):
        meta, data = item["metadata"], item.get("data", {})
        present[meta["namespace"], meta["name"]] = {k: base64.b64decode(v).decode("latin-1") for k, v in data.items()}
    values = fill(specs, join(present, shared_secrets.values(local)))
    objects = []
    for spec in specs:
        content = values[spec.namespace, spec.name]
        if spec.certificate:
            content = _certificate(local, region, spec.name, spec.certificate)
        objects.append(manifest(spec, content))
    region.api.apply(objects, SECRETS_MANAGER)


def _certificate(local: LocalPlatform, region: Region, name: str, hosts: list[str]) -> dict[str, str]:
    folder, file = local.keys(), f"{region.cluster.name}-{name}"
    domain = local.facts.platform.spec.domains.local
    pki.ensure(folder, Certificate(file, CLUSTER_CA, hosts[0], names=tuple(f"{host}.{domain}" for host in hosts)))
    return {"tls.crt": (folder / f"{file}.crt").read_text(), "tls.key": (folder / f"{file}.key").read_text()}
