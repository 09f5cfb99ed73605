"""From the user's clone to both regions: the repository that Argo CD follows, day-0 objects and secrets."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from onair.adapters import git_commit, kube_api
from onair.adapters.gate import retire
from onair.adapters.kubectl import wait
from onair.adapters.local import git, shared_secrets
from onair.adapters.local.images import ImageStore
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.region import Region
from onair.core import hub
from onair.core.finding import Finding, OnairError
from onair.core.images import REGISTRY_FOLDER
from onair.core.leaf import Leaf, digest, pins, with_digest
from onair.core.pki import CLUSTER_CA
from onair.core.status import back, generator_failed, given_up

WEBHOOK_SECRET = ("argocd", "argocd-secret")
"""Holds what the git server signs its webhooks with."""
AGAIN_SECONDS = 20.0
"""A repo-server that starts has answered by then; by itself a failed ApplicationSet looks again after three minutes."""
GIVEN_UP_SECONDS = 30.0
"""So long git's next commit may take to arrive where a version was given up."""
SHOWN = 3
"""Applications named in a line of progress."""


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
    repository = local.repository
    git.ensure_repository(repository, _webhooks(local, url), _gate(local))
    git.ensure_remote(local.root, url)
    if git.has_branch(repository):
        return git.run(repository, "rev-parse", git.BRANCH), 0
    leaves = {leaf: git.run(local.root, "show", f"HEAD:{leaf.path}") + "\n" for leaf in local_leaves(local, digests)}
    stored = {
        (leaf.service, found)
        for leaf, text in leaves.items()
        if (found := digest(leaf, text)) and store.registry.digest(f"{REGISTRY_FOLDER}/{leaf.service}", found)
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


def _webhooks(local: LocalPlatform, repository: str) -> dict[str, Any]:
    platform = local.facts.platform
    port, host = platform.spec.edge.gateway_node_port, f"argocd.{platform.spec.domains.local}"
    secret = shared_secrets.values(local)[WEBHOOK_SECRET]["webhook.github.secret"]
    regions = [
        {
            "cluster": cluster.name,
            "addresses": [f"https://{node.address}:{port}" for node in cluster.nodes],
            "host": host,
            "ca": str(local.keys() / f"{CLUSTER_CA}.crt"),
            "secret": secret,
        }
        for cluster in local.clusters
    ]
    return {"repository": repository, "regions": regions}


def _gate(local: LocalPlatform) -> list[str]:
    clusters = ",".join(cluster.name for cluster in local.clusters)
    skips = str(local.paths.state / "log/gate-skipped.log")
    # The hook runs in git's environment: neither the user's settings nor the folder that it is called from are there.
    return ["env", f"ONAIR_CACHE={local.paths.cache}", sys.executable, "-m", "onair.cli.pre_receive", clusters, skips]


def wait_good(local: LocalPlatform, seconds: float, note: Callable[[str], None]) -> None:
    """Wait until every Application of both regions is Synced and Healthy and the edge serves both.

    Raises
    ------
    OnairError
        When the time is over, or nothing is left to wait for but versions that were given up; says what is wrong.
    """
    asked = hopeful = time.monotonic()

    def look() -> bool | str:
        nonlocal asked, hopeful
        if time.monotonic() > asked + AGAIN_SECONDS:
            asked = time.monotonic()
            for region in local.regions:
                with suppress(OnairError):  # a region out of reach is told by what follows
                    look_again(region)
        try:
            state = local.inspect()
        except OnairError as error:
            return str(error)
        bad = {
            f"{region.cluster}/{app.name}": f"{app.sync} {app.health}"
            for region in state.regions
            for app in region.applications
            if not app.good
        }
        if not bad or bad.keys() - given_up(state.regions):
            hopeful = time.monotonic()
        elif time.monotonic() > hopeful + GIVEN_UP_SECONDS:
            raise OnairError(*(_given_up(name) for name in bad))
        waiting = [r.cluster for r in state.regions if not r.applications or not r.edge_healthy]
        told = [f"{name} {state}" for name, state in bad.items()]
        total = sum(len(region.applications) for region in state.regions)
        note(f"{total - len(bad)} of {total} Applications; waiting for {', '.join([*told, *waiting][:SHOWN])}")
        if not bad and not waiting and all(region.good for region in state.regions):
            return True
        return "; ".join(told) or f"{', '.join(waiting)}: no answer through the edge yet"

    wait("all Applications Synced and Healthy", seconds, look, interval=2)


def _given_up(application: str) -> Finding:
    cluster, _, name = application.partition("/")
    what = f"{cluster}: Rollout {name} gave up the version that git asks for; the one before serves on"
    return Finding(rule="platform/given-up", what=what, mend=back(name, cluster))


def look_again(region: Region) -> list[str]:
    """Let a region's ApplicationSets that failed look at git once more; returns their names."""
    generators = region.api.items(kube_api.APPLICATION_SETS)
    failed = [str(item["metadata"]["name"]) for item in generators if generator_failed(item)]
    for name in failed:
        retire.look_again(region.kubectl, name, check=False)  # the next look tries again
    return failed


def hub_ready(store: ImageStore, local: LocalPlatform) -> None:
    """Wait until registry and git server answer.

    Raises
    ------
    OnairError
        If they do not within 30 s.
    """
    wait(f"registry at {hub.registry_url(local.facts.platform)}", 30, store.registry.ready, interval=0.2)
