"""From the user's clone to both regions: the repository that Argo CD follows, day-0 objects and secrets."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import yaml

from onair.adapters import git_commit, helm, kube_api, kustomize
from onair.adapters.kubectl import wait
from onair.adapters.local import git, pki
from onair.adapters.local.images import ImageStore
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.region import Region
from onair.core import hub
from onair.core.facts import Environment
from onair.core.finding import OnairError
from onair.core.leaf import Leaf, digest, pins, with_digest
from onair.core.pki import CLUSTER_CA, Certificate
from onair.core.secrets import Secrets, Values, fill, manifest

DAY_ZERO = ("namespaces", "dns", "argocd")
"""Parts that are applied by hand once: Argo CD needs names, addresses and itself before it can bring the rest."""
DEFINING = ("rollouts", "gateway")
"""Parts that bring kinds (CustomResourceDefinitions)."""
DEFINITION = "CustomResourceDefinition"
FOLLOWED = ("Application", "ApplicationSet")
CRD_SECONDS, ARGOCD_SECONDS = 60, 600


def publish(local: LocalPlatform, store: ImageStore, digests: dict[str, str]) -> tuple[str, int]:
    """Bring the current commit to the regions' main branch, with digests that this machine's registry has.

    The user's branch and files stay as they are; where digests had to be pinned, the regions' branch is one commit
    ahead of it.

    Returns
    -------
    tuple
        The commit on the regions' main branch, and how many leaves were pinned.
    """
    url = str(local.facts.platform.spec.git.local)
    repository = local.paths.git / Path(url).name
    git.ensure_repository(repository, _webhooks(local, url))
    git.ensure_remote(local.root, url)
    if git.has_branch(repository):
        return git.run(repository, "rev-parse", git.BRANCH), 0
    leaves = {leaf: git.run(local.root, "show", f"HEAD:{leaf.path}") + "\n" for leaf in local_leaves(local, digests)}
    stored = {
        found
        for leaf, text in leaves.items()
        if (found := digest(leaf, text)) and store.registry.digest(f"onair/{leaf.service}", found)
    }
    changed = pins(leaves, digests, stored)
    commit = store.commit
    if changed:
        files = {leaf.path: with_digest(leaf, leaves[leaf], new) for leaf, new in changed.items()}
        message = (
            "Pin the images that this machine built\n\nIts registry does not have the digests that the leaves name."
        )
        commit = git_commit.commit_files(local.root, [commit], commit, files, message)
    git.push(local.root, commit)
    return commit, len(changed)


def local_leaves(local: LocalPlatform, services: dict[str, str] | list[str]) -> list[Leaf]:
    """Return the leaves of ``services`` that exist in HEAD for the clusters that run here."""
    found = []
    for cluster in local.clusters:
        listed = git.run(local.root, "ls-tree", "--name-only", "HEAD", f"clusters/{cluster.name}/apps/").split()
        found += [Leaf(cluster.name, Path(path).name) for path in listed if Path(path).name in services]
    return found


def bootstrap(local: LocalPlatform, region: Region) -> None:
    """Apply the day-0 parts, in the state of the regions' main branch, and hand the region to Argo CD.

    Raises
    ------
    OnairError
        If a part does not render or apply.
    """
    kubectl, name = region.kubectl, region.cluster.name
    if region.api.get(f"{kube_api.APPLICATIONS}/bootstrap") is not None:
        _secrets(local, region)
        return
    parts = {part: _render(local, name, part) for part in (*DAY_ZERO, *DEFINING)}
    kubectl.apply(parts["namespaces"])
    _secrets(local, region)
    kubectl.apply([_node_names(local), *parts["dns"]])
    # All kinds first: each one that appears later makes Argo CD read the whole cluster again.
    charts = [x for x in parts["gateway"] if x["kind"] == "Application"]
    rendered = [x for chart in charts for x in _chart(local, chart)]
    definitions = [x for x in [*parts["argocd"], *parts["rollouts"], *rendered] if x["kind"] == DEFINITION]
    kubectl.apply(definitions)
    names = {x["metadata"]["name"] for x in definitions}
    wait(f"{name}: kinds known", CRD_SECONDS, lambda: names <= _established(region))
    own = [x for x in parts["argocd"] if x["kind"] != DEFINITION]
    kubectl.apply(x for x in own if x["kind"] not in FOLLOWED)
    # What is compared before the repo-server answers waits for the next poll, minutes later.
    wait(f"{name}: Argo CD ready", ARGOCD_SECONDS, lambda: _available(region, "argocd"))
    kubectl.apply(x for x in own if x["kind"] in FOLLOWED)


def _render(local: LocalPlatform, cluster: str, part: str) -> list[dict[str, Any]]:
    folder = local.root / "clusters" / cluster / "infrastructure" / part
    return kustomize.build(folder, binary=local.tools.path("kustomize"), environment=local.git_environment())


def _chart(local: LocalPlatform, application: dict[str, Any]) -> list[dict[str, Any]]:
    return helm.template(application, binary=local.tools.path("helm"), environment=local.git_environment())


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


def _secrets(local: LocalPlatform, region: Region) -> None:
    """Make the Secrets that git does not hold; values that exist stay."""
    declared = Secrets.model_validate(yaml.safe_load((local.root / "clusters/platform/secrets.yaml").read_text()))
    specs = declared.of(Environment.LOCAL)
    present: Values = {}
    for item in region.api.items(kube_api.SECRETS):
        meta, data = item["metadata"], item.get("data", {})
        present[meta["namespace"], meta["name"]] = {k: base64.b64decode(v).decode("latin-1") for k, v in data.items()}
    present |= {("argocd", "argocd-secret"): {"webhook.github.secret": _webhook_secret(local)}}
    values = fill(specs, present)
    objects = []
    for spec in specs:
        content = values[spec.namespace, spec.name]
        if spec.certificate:
            content = _certificate(local, region, spec.name, spec.certificate)
        objects.append(manifest(spec, content))
    region.kubectl.apply(objects)


def _certificate(local: LocalPlatform, region: Region, name: str, hosts: list[str]) -> dict[str, str]:
    folder, file = local.keys(), f"{region.cluster.name}-{name}"
    domain = local.facts.platform.spec.domains.local
    pki.ensure(folder, Certificate(file, CLUSTER_CA, hosts[0], names=tuple(f"{host}.{domain}" for host in hosts)))
    return {"tls.crt": (folder / f"{file}.crt").read_text(), "tls.key": (folder / f"{file}.key").read_text()}


def _webhook_secret(local: LocalPlatform) -> str:
    file = local.keys() / "webhook.secret"
    if not file.exists():
        file.touch(0o600)
        file.write_text(token_urlsafe(30))
    return file.read_text()


def _webhooks(local: LocalPlatform, repository: str) -> dict[str, Any]:
    platform = local.facts.platform
    port, host = platform.spec.edge.gateway_node_port, f"argocd.{platform.spec.domains.local}"
    regions = [
        {
            "cluster": cluster.name,
            "addresses": [f"https://{node.address}:{port}" for node in cluster.nodes],
            "host": host,
            "ca": str(local.keys() / f"{CLUSTER_CA}.crt"),
            "secret": _webhook_secret(local),
        }
        for cluster in local.clusters
    ]
    return {"repository": repository, "regions": regions}


def wait_good(local: LocalPlatform, seconds: float, note: Callable[[str], None]) -> None:
    """Wait until every Application of both regions is Synced and Healthy and the edge serves both.

    Raises
    ------
    OnairError
        When the time is over; says what is still wrong.
    """

    def look() -> bool | str:
        try:
            state = local.inspect()
        except OnairError as error:
            return str(error)
        bad = [
            f"{region.cluster}/{app.name} {app.sync} {app.health}"
            for region in state.regions
            for app in region.applications
            if not app.good
        ]
        waiting = [r.cluster for r in state.regions if not r.applications or not r.edge_healthy]
        note(", ".join(bad) or f"waiting for {', '.join(waiting)}")
        if not bad and not waiting and all(region.good for region in state.regions):
            return True
        return "; ".join(bad) or f"{', '.join(waiting)}: no answer through the edge yet"

    wait("all Applications Synced and Healthy", seconds, look, interval=2)


def hub_ready(store: ImageStore, local: LocalPlatform) -> None:
    """Wait until registry and git server answer.

    Raises
    ------
    OnairError
        If they do not within 30 s.
    """
    wait(f"registry at {hub.registry_url(local.facts.platform)}", 30, store.registry.ready, interval=0.2)
