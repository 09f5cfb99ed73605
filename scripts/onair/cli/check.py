"""``onair check``: the gate."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from onair.cli import console
from onair.cli.context import ROOT

if TYPE_CHECKING:
    from onair.core.report.model import Report

TEXT = "text"
DESCRIBED = ("sarif", "junit")
"""Formats that tell of the rules, too."""


def command(  # noqa: PLR0917 - Typer hands options over by name
    changed: Annotated[
        bool, typer.Option("--changed", help="Judge the change as well, against the branch that clusters follow.")
    ] = False,
    base: Annotated[
        str | None, typer.Option(help="The branch or commit that clusters follow; implies --changed.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="Check this commit instead of the working tree.")] = None,
    repository: Annotated[
        Path | None, typer.Option(help="Where git looks for commits, e.g. a bare repository.", file_okay=False)
    ] = None,
    delivers_to: Annotated[
        str, typer.Option(help="Clusters that follow the branch, separated by commas; a freeze counts for these.")
    ] = "",
    emergency: Annotated[str, typer.Option(help="Why a freeze does not hold for this change.")] = "",
    form: Annotated[
        str, typer.Option("--format", help="text, github, sarif, junit, json or markdown.", metavar="FORMAT")
    ] = TEXT,
    output: Annotated[Path | None, typer.Option(help="Write the report there instead.", dir_okay=False)] = None,
    cold: Annotated[bool, typer.Option("--no-cache", help="Do everything anew.")] = False,
) -> None:
    """Check what every cluster would run: exit 0 when clean, 1 with findings, 2 when it could not run."""
    from onair.adapters.gate import changes, check, rulebook  # noqa: PLC0415 - --help does not need it
    from onair.adapters.gate.cache import default_folder  # noqa: PLC0415
    from onair.core.report import formats  # noqa: PLC0415

    if form != TEXT and form not in formats.FORMATS:
        raise typer.BadParameter(f"{form!r} is none of {TEXT}, {', '.join(formats.FORMATS)}", param_hint="--format")
    against = base or (changes.default_base(repository or ROOT) if changed else None)
    options = check.Options(
        now=datetime.now().astimezone(),
        base=against,
        head=at,
        repository=repository,
        emergency=emergency,
        delivers_to=delivers_to.split(",") if delivers_to else None,
        cache=None if cold else default_folder(),
    )
    report = check.run(ROOT, options)
    if form in DESCRIBED:
        report = replace(report, rules=rulebook.read(ROOT))
    with output.open("w", encoding="utf-8") if output else nullcontext(sys.stdout) as file:
        if form == TEXT:
            _draw(report, Console(file=file, highlight=False, soft_wrap=True))
        else:
            file.write(formats.render(form, report))
    raise typer.Exit(report.exit_code)


def _draw(report: Report, out: Console) -> None:
    console.render(report.findings, out)
    reused = f", {report.checked.reused} applications as before" if report.checked.reused else ""
    out.print(f"checked {report.checked}{reused} in {report.seconds:.1f} s", style="dim")
    if report.errors:
        rules = ", ".join(f"{rule} {count}" for rule, count in report.by_rule.items())
        out.print(f"[bold red]{report.errors} findings[/] ({rules}); onair explain RULE tells why")
    else:
        out.print("[bold green]nothing to mend[/]" + (f", {report.warnings} warnings" if report.warnings else ""))
