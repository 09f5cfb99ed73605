"""The bastion's playbook as Ansible's own checker reads it; what it does is played by `make bastion`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from onair.adapters.bastion import play


def test_ansible_lint_finds_nothing_in_its_strictest_profile(root: Path) -> None:
    lint = play.program(root, "ansible-lint")
    command = [str(lint), "--offline", "--profile", "production", "--strict", "-q", "--nocolor", "playbook.yaml"]
    environment = {"PATH": f"{lint.parent}:/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=root / play.FOLDER, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
