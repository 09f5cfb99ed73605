"""A region comes up out of git, and is lost with all that it kept."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from onair.adapters.local import cgroups, day_zero, git, network, teardown
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.region import Region
from onair.core.day_zero import Objects
from onair.core.node import folder, pods_cgroup
from onair.core.topology import edge_link

VOLUMES = {"postgres": 999, "valkey": 999, "prometheus": 65534}
"""User id by the volume that its pods write."""
MAIN = "refs/heads/main"


def hand_over(local: LocalPlatform, region: Region, tree: Path, parts: Mapping[str, Objects] | None = None) -> None:
    """Make what git does not hold of a region whose nodes have started, and hand it to Argo CD if it is not.

    Parameters
    ----------
    tree
        An unpacked commit.
    parts
        Its day 0, where it is rendered already.

    Raises
    ------
    OnairError
        If a node does not become Ready, or day 0 does not render or apply.
    """
    region.make_volume_folders(VOLUMES)
    if day_zero.handed_over(region):
        day_zero.make_secrets(local, region)
    else:
        day_zero.bootstrap(local, region, parts or day_zero.render(local, tree, region.cluster.name))
    region.wait_nodes()


def destroy(local: LocalPlatform, region: Region) -> str:
    """Take a region away with all that it kept: what runs, its control plane's store, its volumes.

    What was never in it stays: its keys and configuration (the cloud's, or whoever makes a cluster), its images'
    layers (a cache), git and the registry. Returns what was done.
    """
    cluster, paths = region.cluster, local.paths
    for link in local.topology.links:
        if link.name == edge_link(cluster) or (link.name.startswith("inter-region:") and cluster.name in link.name):
            network.cut(link)
    services = [state.id for state in local.supervisor.states() if state.id.startswith(f"{cluster.name}.")]
    for service in services:
        local.supervisor.halt(service)
    for node in cluster.nodes:
        cgroups.kill(pods_cgroup(cluster, node))
    teardown.unmount(paths.region(cluster.name), *(paths.run / node.name for node in cluster.nodes))
    kept = [paths.region(cluster.name) / name for name in ("etcd", "volumes")]
    kept += [
        folder(paths, cluster, node) / name for node in cluster.nodes for name in ("kubelet", "pod-logs", "cni-data")
    ]
    for each in kept:
        shutil.rmtree(each, ignore_errors=True)
    return f"{len(services)} services ended; etcd, {', '.join(VOLUMES)} wiped"


def bring_back(local: LocalPlatform, region: Region) -> str:
    """Make a region that was destroyed, from what main says now; returns the commit.

    Raises
    ------
    OnairError
        If it does not come up.
    """
    network.ensure(local.topology)
    region = replace(region)  # what was known of the lost API server's kinds does not count
    region.start_control_plane(local.supervisor)
    commit = git.run(local.repository, "rev-parse", MAIN)
    with git.unpacked(local.repository, commit, "apps", "clusters", "infrastructure") as tree:
        parts = day_zero.render(local, tree, region.cluster.name)  # while the new API server starts
        region.start_nodes(local.supervisor, {})
        hand_over(local, region, tree, parts)
    return commit[:7]
