"""``onair toolchain``."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from onair.adapters.toolchain import ensure
from onair.cli.console import ConsoleReporter
from onair.cli.context import ROOT
from onair.core.paths import Paths


def command(
    only: Annotated[list[str] | None, typer.Argument(help="Names of tools; all when none is given.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash of every cached program.")] = False,
) -> None:
    """Build the pinned programs of the local regions, or find them in the cache."""
    found = ensure(ROOT, Paths.of().cache, ConsoleReporter(), only=only or (), verify=verify)
    table = Table("tool", "version", Column("program", overflow="fold"), "MiB", box=None)
    for tool in found.tools.values():
        for binary in tool.recipe.binaries:
            path = found.path(binary)
            table.add_row(tool.name, tool.version, str(path), f"{path.stat().st_size / 2**20:.0f}")
    table.add_row("envoy", found.version("envoy"), str(found.path("envoy")))
    Console().print(table)
