"""How long work tells what it is doing; the console (``cli.console``) and tests implement it."""

from types import TracebackType
from typing import Protocol, Self


class Step(Protocol):
    """One piece of work. As a context manager it ends as done, or as failed when an exception passes."""

    def advance(self, by: int = 1) -> None:
        """Move on by ``by`` of the step's total."""

    def note(self, text: str) -> None:
        """Say what is going on inside the step right now; replaces the last note."""

    def done(self, text: str = "") -> None:
        """End the step; ``text`` is its result in a few words. Further calls do nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Reporter(Protocol):
    """Opens steps; safe to use from several threads."""

    def step(self, name: str, total: int | None = None) -> Step:
        """Begin a step called ``name`` of ``total`` parts (None: unknown)."""

    def note(self, text: str) -> None:
        """Print one line that stays."""


class Silent:
    """A reporter, and its own step, that says nothing."""

    def step(self, name: str, total: int | None = None) -> "Silent":
        """Begin a step."""
        return self

    def advance(self, by: int = 1) -> None:
        """Move on."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def done(self, text: str = "") -> None:
        """End the step."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


SILENT = Silent()
"""For who wants no progress."""
