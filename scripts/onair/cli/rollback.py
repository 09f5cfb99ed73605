"""``onair rollback``: give a cluster back an image that it has run."""

from __future__ import annotations

from typing import Annotated

import typer

from onair.adapters import facts_file, promotion
from onair.cli.context import ROOT


def command(
    service: Annotated[str, typer.Argument(help="A folder below apps/.")],
    on: Annotated[str, typer.Option("--on", help="The cluster that goes back.")],
    image: Annotated[str, typer.Option(help="A digest that it has held; without, the one before.")] = "",
) -> None:
    """Commit to the leaf of SERVICE on a cluster the digest that it held before; you deliver the commit."""
    made = promotion.take_back(ROOT, facts_file.read(ROOT), service, on, image)
    typer.echo(f"{service} on {on} goes back to {made.digest} ({str(made.commit)[:7]})")
    typer.echo("deliver it: git push regions HEAD:main, or by a pull request where prod is concerned")
