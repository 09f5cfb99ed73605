"""Runs the playbook, and tells what it did by host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from onair.core.finding import Finding, OnairError

FOLDER = Path("infrastructure/bastion")
PROGRAMS = Path("build/ansible/bin")
"""In an environment of its own: it pins other versions of libraries that onair uses."""
LIMIT_SECONDS = 900
_RECAP = re.compile(r"^\S+\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)", re.MULTILINE)


class Played(NamedTuple):
    """One run: its exit code, what it printed, wall time in seconds, and the recap's counts."""

    code: int
    output: str
    seconds: float
    ok: int
    changed: int
    failed: int


class Setting(NamedTuple):
    """What a rehearsal's inventory asks for.

    Attributes
    ----------
    root
        The booted system.
    people
        Another people's file than the repository's.
    authority
        Certificate that the collector's is signed by.
    password
        File with the backups' password.
    kubectl
        The platform's own build; without one, none is installed.
    """

    root: Path
    authority: Path
    password: Path
    people: Path | None = None
    kubectl: Path | None = None


def program(root: Path, name: str) -> Path:
    """Return a program of Ansible's environment.

    Raises
    ------
    OnairError
        If that was not made.
    """
    found = root / PROGRAMS / name
    if not found.exists():
        raise _absent(str(PROGRAMS / name))
    return found


def _absent(what: str) -> OnairError:
    return OnairError(Finding(rule="bastion/ansible", what=f"{what} is not there", mend="make build/ansible/stamp"))


def _mitogen(root: Path) -> dict[str, str]:
    """Return what makes Ansible use Mitogen, and the inventory its way into the system."""
    plugins = next((root / PROGRAMS).parent.glob("lib/python3*/site-packages/ansible_mitogen/plugins"), None)
    if plugins is None:
        raise _absent("Mitogen")
    return {
        "ANSIBLE_STRATEGY_PLUGINS": str(plugins / "strategy"),
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ONAIR_BASTION_CONNECTION": "mitogen_lxc",
    }


def play(
    root: Path, setting: Setting, *words: str, extra: Mapping[str, object] | None = None, kept: bool = True
) -> Played:
    """Run the playbook on a rehearsal's system.

    Parameters
    ----------
    root
        The repository's top folder.
    words
        Further words, e.g. ``--check`` and ``--diff``.
    extra
        Variables that win over all others.
    kept
        Whether Mitogen keeps one Python in the system for all tasks. Without it Ansible starts one for each, as it
        does over Session Manager, for which Mitogen has no connection.
    """
    variables: dict[str, object] = {"bastion_onair": str(root / ".venv/bin/onair"), **(extra or {})}
    if kept:  # literal: Mitogen takes an inventory's words as they stand
        variables |= {"ansible_host": str(setting.root), "mitogen_lxc_attach_path": str(root / FOLDER / "enter")}
    if setting.people:
        variables["bastion_people_file"] = str(setting.people)
    command = [str(program(root, "ansible-playbook")), "playbook.yaml", "--extra-vars", json.dumps(variables), *words]
    environment = {
        **{key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ},
        "LANG": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "ONAIR_BASTION_ROOT": str(setting.root),
        "ONAIR_BASTION_CA": str(setting.authority),
        "ONAIR_BACKUP_PASSWORD_FILE": str(setting.password),
        "ONAIR_KUBECTL": str(setting.kubectl or ""),
        **(_mitogen(root) if kept else {}),
    }
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=root / FOLDER, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    output = done.stdout + done.stderr
    recap = _RECAP.search(output)
    counts = [int(each) for each in recap.groups()] if recap else [0, 0, 0]
    return Played(done.returncode, output, time.monotonic() - began, *counts)
