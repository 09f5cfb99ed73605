"""``onair ip``: the plan of addresses."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from onair.cli.context import ROOT

DOCUMENT = "docs/architecture/ip-plan.md"


def command(
    write: Annotated[bool, typer.Option("--write", help=f"Write {DOCUMENT} as well.")] = False,
) -> None:
    """Show every range on every cloud, what it is for and what of it is free; exit 2 where two of them meet."""
    from onair.adapters import facts_file  # noqa: PLC0415 - --help does not need it
    from onair.adapters.cloud import facts_file as cloud_file  # noqa: PLC0415
    from onair.core.cloud import ip_plan  # noqa: PLC0415

    facts = facts_file.read(ROOT)
    platform, spec = facts.platform.spec, cloud_file.read(ROOT, facts)
    table = Table("range", "for", "free in it", box=None)
    for row in ip_plan.rows(platform, spec, facts.clusters):
        table.add_row(f"{'  ' * row.depth}{row.range}", row.what, ", ".join(map(str, row.free)))
    Console(highlight=False).print(table)
    if write:
        path = ROOT / DOCUMENT
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ip_plan.markdown(platform, spec, facts.clusters), encoding="utf-8")
        typer.echo(f"wrote {DOCUMENT}")
