"""A newcomer's clone of the repository, and the tool run from it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from onair.adapters.local.git import BRANCH, REMOTE

LIMIT_SECONDS = 1800
IDENTITY = ("-c", "user.name=Newcomer", "-c", "user.email=newcomer@onair.test")


class Done(NamedTuple):
    """A command that ended: exit code, standard output and error in one, wall time in seconds."""

    code: int
    output: str
    seconds: float


@dataclass(frozen=True)
class Clone:
    """The clone at ``path``; ``say`` writes a line to the test log as it happens."""

    path: Path
    say: Callable[[str], None]

    def start(self, *words: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start ``onair`` out of this clone, output on a pipe."""
        self.say(f"$ {shlex.join([*prefix, 'onair', *words])}")
        environment = {**os.environ, "PYTHONPATH": str(self.path / "scripts"), "COLUMNS": "200"}
        return subprocess.Popen(
            [*prefix, sys.executable, "-u", "-m", "onair", *words],
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def lines(self, process: subprocess.Popen[str]) -> Iterator[str]:
        """Yield a started command's lines as they come, each to the log too."""
        assert process.stdout is not None
        for line in process.stdout:
            self.say(f"  {line.rstrip()}")
            yield line

    def onair(self, *words: str, prefix: tuple[str, ...] = (), quiet: bool = False) -> Done:
        """Run ``onair`` out of this clone, its output streamed to the log unless ``quiet``."""
        began = time.monotonic()
        with self.start(*words, prefix=prefix) as process:
            assert process.stdout is not None
            output = process.stdout.read() if quiet else "".join(self.lines(process))
            code = process.wait(LIMIT_SECONDS)
        done = Done(code, output, time.monotonic() - began)
        self.say(f"  exit {done.code} after {done.seconds:.1f} s")
        return done

    def git(self, *words: str) -> str:
        """Run git in this clone and return its output; its message is in the error."""
        done = subprocess.run(
            ["git", *IDENTITY, *words], cwd=self.path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr.strip()}"
        return done.stdout.strip()

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace ``old``, which must be there once, by ``new``."""
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file}: {old!r} is there {text.count(old)} times, not once: mend the test"
        path.write_text(text.replace(old, new), encoding="utf-8")

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Edit a file for a moment only."""
        before = (self.path / file).read_text(encoding="utf-8")
        self.edit(file, old, new)
        try:
            yield
        finally:
            (self.path / file).write_text(before, encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit every edit and return the commit's id."""
        self.git("commit", "--quiet", "--all", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *options: str) -> float:
        """Deliver HEAD as the README says; returns the moment of the push (monotonic seconds)."""
        began = time.monotonic()
        self.git("push", "--quiet", *(f"--push-option={option}" for option in options), REMOTE, f"HEAD:{BRANCH}")
        self.say(f"pushed {self.git('log', '-1', '--format=%h %s')} in {time.monotonic() - began:.2f} s")
        return began

    def catch_up(self) -> None:
        """Bring the clone to what the regions run."""
        self.git("fetch", "--quiet", REMOTE)
        self.git("merge", "--quiet", "--ff-only", f"{REMOTE}/{BRANCH}")
