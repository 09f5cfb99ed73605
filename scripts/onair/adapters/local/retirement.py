"""Retires an Application: plans it out of what is rendered, and finishes it on the regions that run here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from onair.adapters import kube_api
from onair.adapters.gate import check, retire
from onair.adapters.gate.cache import default_folder
from onair.adapters.local import git
from onair.adapters.local.platform import LocalPlatform
from onair.core.change.retire import Standing, plan, removal
from onair.core.finding import Finding, OnairError


def commit(root: Path, name: str, clusters: list[str], reason: str, *, with_data: bool) -> str:
    """Commit that the Application ``name`` goes from ``clusters`` (all that run it, where none is given).

    Raises
    ------
    OnairError
        If it cannot go (:func:`onair.core.change.retire.plan`), or the repository does not render.
    """
    found = check.read(root, check.Options(now=datetime.now().astimezone(), cache=default_folder()))
    if found.rendered.findings:
        raise OnairError(*found.rendered.findings)
    environments = {cluster: str(facts.get("environment")) for cluster, facts in found.estate.clusters.items()}
    planned = plan(
        name,
        clusters,
        found.rendered.applications,
        found.files,
        environments,
        objects=found.estate.objects,
        reason=reason,
        with_data=with_data,
    )
    return retire.commit(root, planned)


def finish(local: LocalPlatform, name: str, note: Callable[[str], None]) -> Iterator[str]:
    """Take a retired Application off every region that runs here; yields each cluster that it is gone from.

    Raises
    ------
    OnairError
        If the regions' branch still has it, or a region does not let it go.
    """
    tree = git.run(local.repository, "ls-tree", "-r", "-d", "--name-only", git.BRANCH, "clusters/").splitlines()
    known = {region.cluster.name: region.api.items(kube_api.APPLICATIONS) for region in local.regions}
    if not any(item["metadata"]["name"] == name for items in known.values() for item in items):
        what = f"no region that runs here has an Application {name}"
        raise OnairError(Finding(rule="retire/unknown", what=what, mend="onair status lists them"))
    for region in local.regions:
        cluster = region.cluster.name
        leaves = (f"clusters/{cluster}/{area}/{name}" for area in ("apps", "infrastructure"))
        standing = Standing(
            known[cluster], region.api.items(kube_api.APPLICATION_SETS), any(leaf in tree for leaf in leaves)
        )
        note(cluster)
        retire.take_away(region.kubectl, removal(name, standing), note)
        yield cluster
