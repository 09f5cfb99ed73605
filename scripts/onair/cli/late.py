"""Progress of what is mostly quick: shown once it has taken a while, on a terminal alone, and gone at the end."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from onair.core.progress import Silent

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS = 1.5
"""Whoever waits longer wants to know for what; loading Rich takes a fifth of the time of a quick check."""


class _Step(Silent):
    """A step, drawn or not; what it counts while nothing is drawn is drawn later."""

    def __init__(self, display: LateReporter, name: str, total: int | None) -> None:
        self._display, self.name, self.total = display, name, total
        self.position = 0
        self.task: TaskID | None = None

    def advance(self, by: int = 1) -> None:
        self.position += by
        self._display.moved(self)

    def done(self, text: str = "") -> None:
        self._display.ended(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.done()


class LateReporter(Silent):
    """Draws the steps that are under way after ``seconds``, where ``file`` is a terminal; as a context manager."""

    def __init__(self, file: TextIO, seconds: float = SECONDS) -> None:
        self._file, self._open = file, list[_Step]()
        self._progress: Progress | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._draw) if file.isatty() else None

    def __enter__(self) -> Self:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            self._open.clear()
            self._timer = None
            if self._progress:
                self._progress.stop()

    def step(self, name: str, total: int | None = None) -> _Step:
        """Begin a step."""
        made = _Step(self, name, total)
        with self._lock:
            self._open.append(made)
            self._add(made)
        return made

    def moved(self, step: _Step) -> None:
        """Draw how far a step is."""
        if self._progress and step.task is not None:
            self._progress.update(step.task, completed=step.position)

    def ended(self, step: _Step) -> None:
        """Take a step away."""
        with self._lock:
            if step in self._open:
                self._open.remove(step)
                if self._progress and step.task is not None:
                    self._progress.remove_task(step.task)

    def _draw(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - see SECONDS

        from onair.cli.console import display  # noqa: PLC0415

        with self._lock:
            if self._timer is None:  # it ended meanwhile
                return
            self._progress = display(Console(file=self._file, highlight=False))
            for each in self._open:
                self._add(each)
            self._progress.start()

    def _add(self, step: _Step) -> None:
        if self._progress:
            step.task = self._progress.add_task(step.name, total=step.total, completed=step.position, note="")
