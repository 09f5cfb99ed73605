"""The platform's git repository: made once, fed from the user's clone, with the hook that tells Argo CD."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onair.adapters.local import files
from onair.core.finding import Finding, OnairError

REMOTE = "regions"
BRANCH = "main"


def ensure_repository(repository: Path, webhooks: dict[str, Any], gate: Sequence[str]) -> None:
    """Make the bare ``repository`` with its hooks, unless it stands; refresh the hooks' settings.

    Parameters
    ----------
    webhooks
        Whom to tell of a push, and how.
    gate
        The command that judges a push before it is taken.
    """
    if not (repository / "HEAD").exists():
        run(repository.parent, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(repository))
    hook = f"#!/bin/sh\nexec {shlex.join([sys.executable, '-m', 'onair.adapters.local.webhook', str(repository)])}\n"
    judge = f"#!/bin/sh\nexec {shlex.join(gate)}\n"
    files.write({repository / "hooks/post-receive": hook, repository / "hooks/pre-receive": judge}, mode=0o755)
    files.write({repository / "webhooks.json": json.dumps(webhooks, indent=1)})


def ensure_remote(clone: Path, url: str) -> None:
    """Give the user's clone the remote ``regions``; other remotes are left alone."""
    remotes = run(clone, "remote").split()
    run(clone, "remote", "set-url" if REMOTE in remotes else "add", REMOTE, url)


def push(clone: Path, commit: str) -> str:
    """Push ``commit`` to the platform's main branch and return what the server said.

    Raises
    ------
    OnairError
        If the server's main branch has commits that ``commit`` does not have.
    """
    done = subprocess.run(
        ["git", "push", "--quiet", REMOTE, f"{commit}:refs/heads/{BRANCH}"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OnairError(
            Finding(
                rule="git/push",
                what=f"the regions refused the push:\n{done.stderr.strip()}",
                mend="mend what it says; where the regions are ahead: "
                f"git pull --rebase {REMOTE} {BRANCH}, then run this again",
            )
        )
    return done.stderr


def run(folder: Path, *words: str, text: str | None = None, environment: dict[str, str] | None = None) -> str:
    """Run git in ``folder`` and return its output without the last line end.

    Raises
    ------
    OnairError
        If git fails; carries its message.
    """
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, input=text, env=environment, check=False
    )
    if done.returncode:
        message = done.stderr.strip() or f"exit {done.returncode}"
        raise OnairError(Finding(rule="git/failed", file=str(folder), what=f"git {words[0]}: {message}"))
    return done.stdout.rstrip("\n")


def has_branch(repository: Path) -> bool:
    """Tell whether the regions' main branch exists in the bare ``repository``."""
    command = ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{BRANCH}"]
    return subprocess.run(command, cwd=repository, capture_output=True, check=False).returncode == 0


@contextmanager
def unpacked(clone: Path, commit: str, *paths: str) -> Iterator[Path]:
    """Unpack ``paths`` of a commit into a temporary folder: what is in git, not what is being edited.

    Raises
    ------
    subprocess.CalledProcessError
        If the commit or a path does not exist.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "archive", "--format=tar", commit, *paths]
        done = subprocess.run(command, cwd=clone, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
