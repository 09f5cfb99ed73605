"""``onair check``: the gate.

It reads its options by argparse: Typer would take a quarter of the time in which a change is judged.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from onair.cli.console import BAD, DIM, GOOD, render, styled
from onair.cli.context import ROOT
from onair.cli.late import LateReporter
from onair.core.report import formats

if TYPE_CHECKING:
    from onair.core.report.model import Report

TEXT = "text"
FORMS = (TEXT, *formats.FORMATS)
DESCRIBED = ("sarif", "junit")
"""Formats that tell of the rules, too."""
SUMMARY = "Check what every cluster would run: exit 0 when clean, 1 with findings, 2 when it could not run."


def command() -> None:
    """Check what every cluster would run, and what a change would do."""
    sys.exit(main(sys.argv[2:]))  # for the list of commands: app.main() calls main() itself


def main(words: Sequence[str]) -> int:
    """Run the gate and return the exit code."""
    asked = _parser().parse_args(words)
    gc.disable()  # thousands of manifests live to the end: looking through them again and again takes a tenth
    sys.setswitchinterval(0.001)  # the thread that starts a program must not wait for one that computes
    from onair.adapters.gate import texts  # noqa: PLC0415 - --help does not need it
    from onair.adapters.gate.cache import default_folder  # noqa: PLC0415

    cache = None if asked.no_cache else default_folder()
    of_files = texts.begin(ROOT, asked.at, asked.repository, cache)  # beside the loading of the rest
    from onair.adapters.gate import check  # noqa: PLC0415

    options = check.Options(
        now=datetime.now().astimezone(),
        base=asked.base or (_followed(asked.repository or ROOT) if asked.changed else None),
        head=asked.at,
        repository=asked.repository,
        emergency=asked.emergency,
        delivers_to=asked.delivers_to.split(",") if asked.delivers_to else None,
        cache=cache,
    )
    with LateReporter(sys.stderr) as reporter:
        report = check.run(ROOT, replace(options, reporter=reporter), of_files)
    with asked.output.open("w", encoding="utf-8") if asked.output else nullcontext(sys.stdout) as file:
        if asked.format == TEXT:
            _draw(report, file)
        else:
            file.write(_formatted(asked.format, report))
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("onair check", description=SUMMARY, allow_abbrev=False)
    add = made.add_argument
    add("--changed", action="store_true", help="judge the change as well, against the branch that clusters follow")
    add("--base", help="the branch or commit that clusters follow; implies --changed")
    add("--at", help="check this commit instead of the working tree")
    add("--repository", type=_folder, help="where git looks for commits, e.g. a bare repository")
    add("--delivers-to", default="", help="clusters that follow the branch, by commas; a freeze counts for these")
    add("--emergency", default="", help="why a freeze does not hold for this change")
    add("--format", default=TEXT, choices=FORMS, help="how the report is written")
    add("--output", type=Path, help="write the report there instead")
    add("--no-cache", action="store_true", help="do everything anew")
    return made


def _folder(text: str) -> Path:
    if Path(text).is_file():
        raise argparse.ArgumentTypeError(f"{text} is a file")
    return Path(text)


def _followed(root: Path) -> str:
    from onair.adapters.gate import changes  # noqa: PLC0415 - not needed without --changed

    return changes.default_base(root)


def _formatted(form: str, report: Report) -> str:
    from onair.adapters.gate import rulebook  # noqa: PLC0415 - not needed for text

    return formats.render(form, replace(report, rules=rulebook.read(ROOT)) if form in DESCRIBED else report)


def _draw(report: Report, file: TextIO) -> None:
    if report.findings:
        from rich.console import Console  # noqa: PLC0415 - see onair.cli.console

        render(report.findings, Console(file=file, highlight=False, soft_wrap=True))
    reused = f", {report.checked.reused} applications as before" if report.checked.reused else ""
    print(styled(f"checked {report.checked}{reused} in {report.seconds:.1f} s", DIM, file), file=file)
    if report.errors:
        rules = ", ".join(f"{rule} {count}" for rule, count in report.by_rule.items())
        count = f"{report.errors} finding{'' if report.errors == 1 else 's'}"
        print(f"{styled(count, BAD, file)} ({rules}); onair explain RULE tells why", file=file)
    else:
        warnings = f", {report.warnings} warnings" if report.warnings else ""
        print(styled("nothing to mend", GOOD, file) + warnings, file=file)
