"""Commits made beside the user's working tree: nothing that is being edited is touched or lost."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from onair.adapters.local.git import BRANCH, REMOTE, run
from onair.core.finding import Finding, OnairError


def commit_files(clone: Path, parents: list[str], tree: str, files: Mapping[str, str], message: str) -> str:
    """Make a commit: ``tree`` with ``files`` (text by path) changed. No branch and no file on disk moves.

    Returns
    -------
    str
        The commit's id.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index"}
        run(clone, "read-tree", tree, environment=environment)
        for path, text in files.items():
            blob = run(clone, "hash-object", "-w", "--stdin", text=text)
            run(
                clone,
                "update-index",
                "--add",
                "--cacheinfo",
                f"100644,{blob},{path}",
                environment=environment,
            )
        new = run(clone, "write-tree", environment=environment)
    words = [word for parent in parents for word in ("-p", parent)]
    return run(clone, "commit-tree", new, *words, text=message, environment=_identity(clone))


def join(clone: Path) -> tuple[list[str], str]:
    """Return parents and tree of the next commit: HEAD, joined with what the regions' main branch has more.

    Raises
    ------
    OnairError
        If both changed the same lines.
    """
    head = run(clone, "rev-parse", "HEAD")
    if REMOTE not in run(clone, "remote").split():
        return [head], head
    run(clone, "fetch", "--quiet", REMOTE, f"+refs/heads/{BRANCH}:refs/remotes/{REMOTE}/{BRANCH}")
    theirs = run(clone, "rev-parse", f"{REMOTE}/{BRANCH}")
    base = run(clone, "merge-base", head, theirs)
    if base == theirs:
        return [head], head
    if base == head:
        return [theirs], theirs
    try:
        tree = run(clone, "merge-tree", "--write-tree", head, theirs).splitlines()[0]
    except OnairError as error:
        raise OnairError(
            Finding(
                rule="release/conflict",
                what=f"your branch and {REMOTE}/{BRANCH} change the same lines",
                mend=f"git pull --no-rebase {REMOTE} {BRANCH}, settle the conflict, release again",
            )
        ) from error
    return [head, theirs], tree


def move_head(clone: Path, commit: str, reason: str) -> None:
    """Move the current branch to ``commit`` and bring the files along, keeping uncommitted edits of others.

    Raises
    ------
    OnairError
        If a file that the commit changes has uncommitted edits; nothing is changed then.
    """
    head = run(clone, "rev-parse", "HEAD")
    try:
        run(clone, "read-tree", "-m", "-u", head, commit)
    except OnairError as error:
        raise OnairError(
            Finding(
                rule="release/uncommitted",
                what=f"a file that the release changes has uncommitted edits: {error.findings[0].what}",
                mend="commit or stash the edits below clusters/, then release again",
            )
        ) from error
    run(clone, "update-ref", "-m", reason, "HEAD", commit, head)


def _identity(clone: Path) -> dict[str, str]:
    """Give commits an author where the user has not set one."""
    environment = dict(os.environ)
    if not environment.get("GIT_AUTHOR_NAME"):
        try:
            run(clone, "config", "user.email")
        except OnairError:
            for role in ("AUTHOR", "COMMITTER"):
                environment |= {f"GIT_{role}_NAME": "onair", f"GIT_{role}_EMAIL": "onair@localhost"}
    return environment
