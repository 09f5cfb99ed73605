"""``onair release``: build a service's image and commit its digest."""

from __future__ import annotations

from typing import Annotated

import typer

from onair.adapters.local import release as releases
from onair.adapters.local.images import ImageStore
from onair.adapters.local.platform import LocalPlatform
from onair.cli.console import ConsoleReporter
from onair.cli.context import ROOT


def command(
    service: Annotated[str, typer.Argument(help="A folder below apps/.")],
    to: Annotated[list[str] | None, typer.Option("--to", help="Clusters; all local ones when none is given.")] = None,
) -> None:
    """Build SERVICE as committed, push its image, and commit the digest into the leaves; you push the commit."""
    reporter = ConsoleReporter()
    local = LocalPlatform.open(ROOT)
    release = releases.release(local, ImageStore(local), service, to or [], reporter)
    if release.commit is None:
        typer.echo(f"{service} {release.version} is what {', '.join(release.clusters)} run already: nothing to release")
        return
    typer.echo(f"{service} {release.version} is in the leaves of {', '.join(release.clusters)} ({release.commit[:7]})")
    typer.echo("deliver it: git push regions HEAD:main")
