"""``onair bootstrap``: hand an empty cluster to Argo CD."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onair.cli.console import ConsoleReporter
from onair.cli.context import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onair.core.day_zero import Stage


def command(
    cluster: Annotated[str, typer.Argument(help="A cluster of clusters/, e.g. prod-kr.")],
    *,
    context: Annotated[str, typer.Option(help="The cluster's context in your kubeconfig.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show every object, in order; change nothing.")] = False,
    manifests: Annotated[bool, typer.Option("--yaml", help="With --dry-run: the objects whole.")] = False,
    commit: Annotated[str, typer.Option(help="The commit whose manifests are applied.")] = "HEAD",
) -> None:
    """Install Argo CD and what it follows; from then on the cluster is what git says."""
    from onair.adapters import bootstrap, facts_file  # noqa: PLC0415 - --help does not need them
    from onair.core.finding import Finding, OnairError  # noqa: PLC0415
    from onair.core.paths import Paths  # noqa: PLC0415

    if not context and not dry_run:
        mend = "name it: --context CTX (kubectl config get-contexts), or look first: --dry-run"
        raise OnairError(Finding(rule="bootstrap/context", what="no context is given", mend=mend))
    minor = ".".join(facts_file.read(ROOT).platform.spec.versions["kubernetes"].split(".")[:2])
    target = bootstrap.Target(context) if not dry_run else None
    if target and not target.empty(minor):
        typer.echo(f"{context} follows git already: nothing to do")
        return
    reporter = ConsoleReporter()
    with bootstrap.unpacked(ROOT, commit) as tree:
        found = bootstrap.render(ROOT, tree, cluster, Paths.of().cache, reporter)
    if target is None:
        _show(found, whole=manifests)
        return
    for stage in found:
        with reporter.step(f"{cluster}: {stage.name}") as step:
            target.apply(stage)
            step.done(f"{len(stage.objects)} objects")
    typer.echo(f"{context} follows git now: kubectl --context={context} get applications --namespace=argocd")


def _show(found: Sequence[Stage], *, whole: bool) -> None:
    import yaml  # noqa: PLC0415

    from onair.core.day_zero import name_of  # noqa: PLC0415

    for number, stage in enumerate(found, 1):
        typer.echo(f"# {number}. {stage.name}")
        for each in stage.objects:
            typer.echo(f"--- # {name_of(each)}" if whole else f"{name_of(each)}")
            if whole:
                yaml.safe_dump(dict(each), sys.stdout, sort_keys=False)
    total = sum(len(stage.objects) for stage in found)
    typer.echo(f"# {total} objects in {len(found)} stages; nothing was changed")
