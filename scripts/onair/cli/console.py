"""The terminal: one place that draws findings and progress.

Rich takes longer to load than the gate to judge a change: it is loaded where there is something to draw.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self, TextIO

from onair.core.finding import Finding

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress, TaskID

PLAIN_NOTE_SECONDS = 15.0
DIM, GOOD, BAD = "2", "1;32", "1;31"
"""Styles of :func:`styled`, as terminals know them."""


def styled(text: str, style: str, file: TextIO) -> str:
    """Return a text in a style where ``file`` is a terminal that shows any."""
    shows = file.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\x1b[{style}m{text}\x1b[0m" if shows else text


def render(findings: Iterable[Finding], console: Console) -> None:
    """Draw findings, errors first, each with where, what, why and how to mend it."""
    from rich.markup import escape  # noqa: PLC0415 - see above

    for finding in sorted(findings, key=lambda f: (f.severity, f.file or "", f.line or 0)):
        colour = "red" if finding.severity == "error" else "yellow"
        where = f"{escape(finding.where)}: " if finding.where else ""
        console.print(f"[bold {colour}]{finding.severity}[/] {where}{escape(finding.what)} [dim]({finding.rule})[/]")
        for label, text in (("why", finding.why), ("mend", finding.mend)):
            if text:
                console.print(f"  [bold]{label}:[/] {escape(text)}")


class _Step:
    def __init__(self, reporter: ConsoleReporter, name: str, total: int | None) -> None:
        self._reporter, self._name, self._total = reporter, name, total
        self._position, self._text, self._ended = 0, "", False
        self._began = self._spoke = time.monotonic()
        self._task: TaskID | None = reporter.begin(name, total)

    def advance(self, by: int = 1) -> None:
        self._position += by
        if self._reporter.progress and self._task is not None:
            self._reporter.progress.update(self._task, advance=by)

    def note(self, text: str) -> None:
        self._text = text
        if self._reporter.progress and self._task is not None:
            self._reporter.progress.update(self._task, note=text)
        elif time.monotonic() - self._spoke >= PLAIN_NOTE_SECONDS:
            self._spoke = time.monotonic()
            count = f" {self._position}/{self._total}" if self._total else ""
            self._reporter.note(f"… {self._name}{count} {text} ({self._spoke - self._began:.0f} s)")

    def done(self, text: str = "") -> None:
        self._end(text or "done", "[green]✓[/]")

    def _end(self, text: str, mark: str) -> None:
        if self._ended:
            return
        from rich.markup import escape  # noqa: PLC0415

        self._ended = True
        self._reporter.end(self._task, f"{mark} {escape(self._name)}: {escape(text)}", time.monotonic() - self._began)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.done(self._text)
        else:
            self._end("interrupted" if issubclass(kind, KeyboardInterrupt) else "failed", "[red]✗[/]")


class ConsoleReporter:
    """Progress on a terminal (live lines) or in a log (one line at begin, end and every 15 s)."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console  # noqa: PLC0415

        self.console = console or Console(file=sys.stderr, highlight=False)
        self.progress: Progress | None = None
        self._lock = threading.Lock()
        self._open = 0

    def step(self, name: str, total: int | None = None) -> _Step:
        """Begin a step called ``name`` of ``total`` parts (None: unknown)."""
        return _Step(self, name, total)

    def note(self, text: str) -> None:
        """Print one line that stays."""
        from rich.markup import escape  # noqa: PLC0415

        self.console.print(escape(text), soft_wrap=True)

    def begin(self, name: str, total: int | None) -> TaskID | None:
        """Draw a new step; a live display starts with the first one."""
        if not self.console.is_terminal:
            self.note(f"… {name}")
            return None
        with self._lock:
            from rich.markup import escape  # noqa: PLC0415

            if self.progress is None:
                self.progress = display(self.console)
                self.progress.start()
            self._open += 1
            return self.progress.add_task(escape(name), total=total, note="")

    def end(self, task: TaskID | None, line: str, seconds: float) -> None:
        """Replace a step by its closing line; the live display stops with the last one."""
        self.console.print(f"{line} [dim]{seconds:.1f} s[/]", soft_wrap=True)
        if task is None or self.progress is None:
            return
        with self._lock:
            self.progress.remove_task(task)
            self._open -= 1
            if self._open == 0:
                self.progress.stop()
                self.progress = None


def display(console: Console) -> Progress:
    """Return a live display of steps, which goes away at its end."""
    from rich.progress import (  # noqa: PLC0415
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
        console=console,
        transient=True,
    )
