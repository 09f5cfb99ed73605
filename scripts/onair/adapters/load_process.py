"""Load in a process of its own: measuring takes no time slice from what is being done meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pydantic import BaseModel

from onair.core.load import STARTED, LoadPlan
from onair.core.load_result import LoadResult
from onair.core.viewer.plan import ViewersPlan, ViewersResult

START_SECONDS = 120.0
"""Beside a platform that takes two slow processors for itself, as after the loss of an API server."""
STOP_SECONDS = 30.0
Found = TypeVar("Found", bound=BaseModel)


class Measuring(Generic[Found]):
    """A command of ``onair`` that measures, as a child process.

    Parameters
    ----------
    words
        The command and its arguments.
    kind
        What its result is.
    root
        Where it runs.
    """

    def __init__(self, words: Sequence[str], kind: type[Found], root: Path | None = None) -> None:
        self._words, self._kind = list(words), kind
        self._folder = tempfile.TemporaryDirectory(prefix="onair-load-")
        self._json = Path(self._folder.name) / "result.json"
        self._output = Path(self._folder.name) / "output"
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._result: Found | None = None

    def start(self) -> Self:
        """Start it; returns when the first request is about to be due, so that nothing happens before the load.

        Raises
        ------
        RuntimeError
            If it ends or is not up within 120 s; the message has its output.
        """
        command = [
            sys.executable,
            "-m",
            "onair",
            *self._words,
            "--json",
            str(self._json),
            "--quiet",
        ]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self._root, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while STARTED not in self._output.read_text(encoding="utf-8"):
            if not self.running or time.monotonic() > deadline:
                self._process.kill()
                told = self._output.read_text(encoding="utf-8")[-2000:]
                raise RuntimeError(f"onair {self._words[0]} did not start: {told}")
            time.sleep(0.05)
        return self

    @property
    def running(self) -> bool:
        """Whether it still sends."""
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout: float | None = None) -> Found:
        """Wait for the end of the plan and return the result.

        Raises
        ------
        RuntimeError
            If the process ended without a result; the message has its output.
        subprocess.TimeoutExpired
            If it is not done after ``timeout`` seconds.
        """
        if self._result is None:
            if self._process is None:
                raise RuntimeError("the load was never started")
            code = self._process.wait(timeout)
            if not self._json.exists():
                raise RuntimeError(f"onair {self._words[0]} ended with {code}: {self._output.read_text()[-2000:]}")
            self._result = self._kind.model_validate_json(self._json.read_bytes())
            self._folder.cleanup()
        return self._result

    def stop(self) -> Found:
        """End it early, as Ctrl-C does, and return what was measured."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self.wait(STOP_SECONDS)

    @property
    def result(self) -> Found:
        """The result, once it has ended."""
        return self.wait(0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
                self._process.wait()


class LoadProcess(Measuring[LoadResult]):
    """``onair load`` as a child process.

    Examples
    --------
    >>> with LoadProcess(plan) as load:  # doctest: +SKIP
    ...     release()
    >>> load.result.failed  # doctest: +SKIP
    0
    """

    def __init__(self, plan: LoadPlan, root: Path | None = None) -> None:
        self.plan = plan
        super().__init__(["load", *plan.argv()], LoadResult, root)


class ViewersProcess(Measuring[ViewersResult]):
    """``onair viewers`` as a child process."""

    def __init__(self, plan: ViewersPlan, root: Path | None = None) -> None:
        self.plan = plan
        super().__init__(["viewers", *plan.argv()], ViewersResult, root)
