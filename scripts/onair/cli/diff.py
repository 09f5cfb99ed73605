"""``onair diff``: what a change would do to every cluster."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from onair.cli.context import ROOT
from onair.cli.late import LateReporter


def command(
    ref: Annotated[str, typer.Argument(help="Branch or commit to compare with; the branch that clusters follow.")] = "",
    at: Annotated[str | None, typer.Option(help="This commit instead of the working tree.")] = None,
) -> None:
    """Show what would change on every cluster, as Markdown: rendered, Application by Application, secrets masked."""
    from onair.adapters.gate import changes, check  # noqa: PLC0415 - --help does not need it
    from onair.adapters.gate.cache import default_folder  # noqa: PLC0415

    base = ref or changes.default_base(ROOT)
    with LateReporter(sys.stderr) as reporter:
        now, cache = datetime.now().astimezone(), default_folder()
        shown = check.difference(ROOT, check.Options(now=now, base=base, head=at, cache=cache, reporter=reporter))
    typer.echo(shown, nl=False)
