"""``onair toolchain``."""

from typing import Annotated

import typer

from onair.adapters.toolchain import ensure
from onair.cli.console import ConsoleReporter
from onair.cli.context import ROOT
from onair.core.paths import Paths


def command(
    only: Annotated[list[str] | None, typer.Argument(help="Names of tools; all when none is given.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash of every cached program.")] = False,
) -> None:
    """Build the pinned programs of the local regions, or find them in the cache; list version and path."""
    found = ensure(ROOT, Paths.of().cache, ConsoleReporter(), only=only or (), verify=verify)
    for tool in found.tools.values():
        for binary in tool.recipe.binaries:
            typer.echo(f"{tool.name:15} {tool.version:8} {found.path(binary)}")
    typer.echo(f"{'envoy':15} {found.version('envoy'):8} {found.path('envoy')}")
