"""Retires an Application: the commit in the user's clone, and the requests that take it off a cluster."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from onair.adapters.git_commit import commit_files, join, move_head
from onair.adapters.kubectl import wait
from onair.adapters.local import git
from onair.core.change.retire import Retirement, Step, finalizer

NAMESPACE = "argocd"
REFRESH = "argocd.argoproj.io/application-set-refresh"
"""Argo CD's controller takes the annotation away once it has looked at git (applicationset_controller.go, v3.6.1)."""
REFRESH_SECONDS, GONE_SECONDS = 60.0, 300.0
"""Longer than a look at git behind a slow link; longer than any pod's grace period with its volume's release."""


class Kubectl(Protocol):
    """What is asked of a cluster."""

    def run(self, *words: str, text: str | None = None, check: bool = True) -> Any:  # noqa: ANN401
        """Run kubectl and return what it said."""
        ...


def commit(clone: Path, retirement: Retirement) -> str:
    """Commit a retirement on the current branch and bring the files along; uncommitted edits elsewhere stay.

    Raises
    ------
    OnairError
        If a file that goes or changes has uncommitted edits; nothing is changed then.
    """
    parents, tree = join(clone)
    reduced = without(clone, tree, retirement.deleted)
    made = commit_files(clone, parents, reduced, retirement.files, retirement.message)
    move_head(clone, made, retirement.message.splitlines()[0])
    return made


def without(clone: Path, tree: str, paths: Iterable[str]) -> str:
    """Return the id of ``tree`` without these files. No branch and no file on disk moves."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index"}
        git.run(clone, "read-tree", tree, environment=environment)
        gone = "".join(f"0 {'0' * 40}\t{path}\0" for path in paths)
        git.run(clone, "update-index", "-z", "--index-info", text=gone, environment=environment)
        return git.run(clone, "write-tree", environment=environment)


def take_away(kubectl: Kubectl, steps: Iterable[Step], note: Callable[[str], None], *, interval: float = 1.0) -> None:
    """Do the steps of `onair.core.change.retire.removal` on one cluster; doing them again is harmless.

    Parameters
    ----------
    note
        Told what is being done.
    interval
        Pause between two looks, seconds.

    Raises
    ------
    OnairError
        If the cluster refuses, or something does not happen in time.
    """
    for step in steps:
        note(f"{step.verb} {step.name}")
        if step.verb == "refresh":
            _refresh(kubectl, step.name, interval)
        elif step.verb == "finalize":
            _run(kubectl, "patch", "application", step.name, "--type=merge", f"--patch={json.dumps(finalizer())}")
        elif step.verb == "delete":
            _run(kubectl, "delete", "application", step.name, "--wait=false", "--ignore-not-found")
        else:
            wait(f"{step.name} gone", GONE_SECONDS, lambda name=step.name: _gone(kubectl, name), interval)  # type: ignore[misc]


def look_again(kubectl: Kubectl, generator: str, *, check: bool = True) -> None:
    """Ask an ApplicationSet to look at git now."""
    words = ("annotate", "applicationset", generator, f"{REFRESH}=true", "--overwrite")
    kubectl.run(f"--namespace={NAMESPACE}", *words, check=check)


def _refresh(kubectl: Kubectl, name: str, interval: float) -> None:
    look_again(kubectl, name)

    def looked() -> bool:
        found = json.loads(_run(kubectl, "get", "applicationset", name, "--output=json").stdout)
        return REFRESH not in (found["metadata"].get("annotations") or {})

    wait(f"ApplicationSet {name} has looked at git", REFRESH_SECONDS, looked, interval)


def _gone(kubectl: Kubectl, name: str) -> bool | str:
    found = _run(kubectl, "get", "application", name, "--output=json", "--ignore-not-found").stdout
    if not found.strip():
        return True
    conditions = (json.loads(found).get("status") or {}).get("conditions") or []
    return "; ".join(str(each.get("message")) for each in conditions) or f"{name} is being deleted"


def _run(kubectl: Kubectl, verb: str, *words: str) -> Any:  # noqa: ANN401
    return kubectl.run(f"--namespace={NAMESPACE}", verb, *words)
