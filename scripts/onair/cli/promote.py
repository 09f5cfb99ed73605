"""``onair promote``: give a prod cluster the image that the one before it has run long enough."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onair.adapters import facts_file, promotion
from onair.cli.context import ROOT


def command(
    service: Annotated[str, typer.Argument(help="A folder below apps/.")],
    to: Annotated[str, typer.Option("--to", help="The cluster that takes it.")],
) -> None:
    """Commit to the leaf of SERVICE on a cluster the digest that the cluster before it has soaked."""
    made = promotion.promote(ROOT, facts_file.read(ROOT), service, to, datetime.now(UTC))
    if made.commit is None:
        typer.echo(f"{to} has {made.digest} of {service} already: nothing to promote")
        return
    typer.echo(f"{service} {made.digest} is in the leaf of {to} ({made.commit[:7]}); deliver it by a pull request")
