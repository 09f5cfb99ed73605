"""``onair drill``: break the local regions on purpose, under traffic, and judge what viewers met."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onair.adapters.local import files
from onair.cli.console import ConsoleReporter
from onair.cli.context import INTERRUPTED, ROOT
from onair.core.drill.plan import FOLDER, Drill, choose, parse
from onair.core.drill.report import RECORDS, REPORT, markdown
from onair.core.drill.report_words import LANGUAGES
from onair.core.drill.result import Run
from onair.core.finding import Finding, OnairError

PAGES = "build/reports"
"""Where the report's pages go: whole, so that they can be sent; not part of the repository."""


def command(
    names: Annotated[list[str] | None, typer.Argument(help="Drills, by the names of their files.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    runs: Annotated[int, typer.Option(min=1, max=20, help="How often each.")] = 1,
    record: Annotated[
        bool, typer.Option("--record", help=f"Keep the runs below {RECORDS}, and write the report.")
    ] = False,
    report_only: Annotated[
        bool, typer.Option("--report", help="Write the report from the records, and break nothing.")
    ] = False,
) -> None:
    """Run drills on the local regions; without a name, list them. Exit 1 when a hypothesis does not hold."""
    drills = read(ROOT)
    if report_only:
        write(ROOT, drills)
    elif names or every:
        _run(choose(drills, [] if every else names or []), drills, runs, record)
    else:
        _list(drills)


def read(root: Path) -> dict[str, Drill]:
    """Read every drill.

    Raises
    ------
    OnairError
        With every fault of every file.
    """
    contents = {}
    for path in sorted((root / FOLDER).glob("*.yaml")):
        name = str(path.relative_to(root))
        try:
            contents[name] = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            what = " ".join(str(error).split())
            line = mark.line + 1 if mark else None
            raise OnairError(Finding(rule="drill/yaml", file=name, line=line, what=what, mend="correct it")) from error
    return parse(contents)


def recorded(root: Path, drills: dict[str, Drill]) -> dict[str, list[Run]]:
    """Return the runs that are kept, by drill."""
    kept = {name: root / RECORDS / f"{name}.jsonl" for name in drills}
    return {
        name: [Run.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for name, file in kept.items()
        if file.exists()
    }


def write(root: Path, drills: dict[str, Drill]) -> None:
    """Write the report in each language from what is recorded, with its pictures; and as pages to be sent.

    Raises
    ------
    OnairError
        If it cannot be drawn or written.
    """
    from onair.adapters.drill_picture import draw  # noqa: PLC0415 - a list of drills draws nothing
    from onair.adapters.report_html import html  # noqa: PLC0415

    kept = recorded(root, drills)
    for name, runs in kept.items():
        replace(root / RECORDS / f"{name}.svg", draw(runs[-1]))
    for language in LANGUAGES:
        file, text = root / REPORT[language], markdown(drills, kept, language)
        replace(file, text)
        page = root / PAGES / f"high-availability.{language}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        replace(page, html(text, file.parent, language))


def _run(chosen: list[Drill], drills: dict[str, Drill], runs: int, record: bool) -> None:
    from onair.adapters import drill as engine  # noqa: PLC0415 - a list needs no platform
    from onair.adapters.local.drill import LocalWorld  # noqa: PLC0415
    from onair.adapters.local.platform import LocalPlatform  # noqa: PLC0415
    from onair.adapters.local.rehearsal import healthy, rehearsal  # noqa: PLC0415

    reporter, console, results = ConsoleReporter(), Console(highlight=False), list[Run]()
    local = LocalPlatform.open(ROOT)
    with rehearsal(local):
        for each in chosen:
            made = list[Run]()
            for _ in range(runs):
                healthy(local)
                shots = ROOT / (RECORDS if record else "build/drills")
                made.append(engine.run(each, LocalWorld(local, shots), reporter))
                _show(made[-1], console)
                if made[-1].interrupted:
                    sys.exit(INTERRUPTED)
            if record:
                text = "".join(run.model_dump_json() + "\n" for run in made)
                replace(ROOT / RECORDS / f"{each.name}.jsonl", text)
                write(ROOT, drills)
            results += made
    if not all(run.good for run in results):
        sys.exit(1)


def _show(run: Run, console: Console) -> None:
    table = Table(run.drill, "sent", "failed", "errors s", "p99 ms", "served by", box=None)
    for viewers, seen in run.viewers.items():
        for name, window in zip(("before", "during", "after"), seen.windows, strict=True):
            tail = "" if window.p99 is None else f"{window.p99:,.0f}"
            places = ", ".join(f"{region} {count:,}" for region, count in sorted(window.regions.items()))
            errors = f"{window.errors:.1f}" if window.failed else ""
            table.add_row(
                f"viewers of {viewers}, {name}", f"{window.sent:,}", f"{window.failed:,}", errors, tail, places
            )
    console.print(table)
    for breach in run.breaches:
        console.print(f"[bold red]breach[/]: {escape(breach)}")
    failed, sent = run.count()
    word = "interrupted" if run.interrupted else "holds" if run.good else "does not hold"
    colour = "green" if run.good else "bold red"
    told = f"{failed:,} of {sent:,} requests failed, errors for {run.errors:.1f} s at most"
    console.print(f"{run.drill}: [{colour}]{word}[/]; {told}")


def _list(drills: dict[str, Drill]) -> None:
    table = Table("drill", "what", box=None)
    for name, drill in sorted(drills.items()):
        table.add_row(name, drill.spec.title.en)
    Console(highlight=False).print(table)


def replace(file: Path, text: str) -> None:
    """Write a file whole or not at all: what stood there is kept when the disk is full.

    Raises
    ------
    OnairError
        If it cannot be written.
    """
    try:
        files.write({file: text}, mode=0o644)
    except OSError as error:
        mend = "free some space; what was recorded before stands"
        what = f"it cannot be written: {error.strerror}"
        raise OnairError(Finding(rule="drill/write", file=str(file), what=what, mend=mend)) from error
