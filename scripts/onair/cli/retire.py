"""``onair retire``: take an Application away, from git and then from the regions."""

from __future__ import annotations

from typing import Annotated

import typer

from onair.cli.console import ConsoleReporter
from onair.cli.context import ROOT
from onair.core.finding import Finding, OnairError


def command(
    app: Annotated[str, typer.Argument(help="An Application, e.g. chat.")],
    reason: Annotated[str, typer.Option(help="Why; one line, for the history.")] = "",
    clusters: Annotated[list[str] | None, typer.Option("--from", help="Clusters; all that run it without.")] = None,
    with_data: Annotated[bool, typer.Option("--with-data", help="Its volumes go as well.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Take it off the regions here, after the push.")] = False,
) -> None:
    """Commit that APP goes; once that is pushed, `onair retire APP --finish` takes it off the regions."""
    from onair.adapters.local import cgroups, retirement  # noqa: PLC0415 - --help does not need it
    from onair.adapters.local.platform import LocalPlatform  # noqa: PLC0415

    if finish:
        if cgroups.processes():
            cgroups.join("onair/cli")
        with ConsoleReporter().step(f"retire {app}") as step:
            for cluster in retirement.finish(LocalPlatform.open(ROOT), app, step.note):
                typer.echo(f"{app} is gone from {cluster}")
        return
    if not reason:
        mend = f"onair retire {app} --reason 'nobody used it'"
        raise OnairError(Finding(rule="retire/reason", what="no reason is given", mend=mend))
    made = retirement.commit(ROOT, app, clusters or [], reason, with_data=with_data)
    typer.echo(f"{app} goes with commit {made[:7]}; deliver it: git push regions HEAD:main")
    typer.echo(f"then take what it left off the regions: onair retire {app} --finish")
    typer.echo(f"apps/{app}/src stays, and its image is built, until you remove it")
