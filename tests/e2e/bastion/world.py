"""A bastion for tests: Debian booted for real, people with keys, and an ssh that answers the second question."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from access_world import PEOPLE, person, write
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from onair.adapters.bastion import machine, play
from onair.adapters.bastion.play import Played, Setting
from onair.adapters.bastion.rehearsal import Rehearsal
from onair.core.access import bastion

REPORT = os.environ.get("ONAIR_BASTION_RECORD", "")
TODAY = datetime.now(UTC).date()
STEP_SECONDS = 30
SECOND_FACTOR = "/usr/local/sbin/bastion-second-factor"
ANSWER_SECONDS = 60
"""Longest time for a login with its command."""
ENROLMENT = re.compile(r"secret:\s+(?P<secret>\S+)\n.*?recovery: (?P<codes>[\d ]+)\n", re.DOTALL)


@dataclass
class Someone:
    """A person with a private key and, once enrolled, a second factor."""

    name: str
    key: Path
    secret: str = ""
    recovery: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def code(self) -> str:
        """Return a code that the bastion takes: the app's where this step's is unused, else a recovery code."""
        step = int(time.time()) // STEP_SECONDS
        if step in self.used and self.recovery:
            return self.recovery.pop()
        self.used.add(step)
        return app_code(self.secret, time.time())


def app_code(secret: str, moment: float) -> str:
    """Return what an authenticator app shows, by another implementation than the bastion's."""
    algorithm = hashes.SHA1()  # noqa: S303 - what apps and RFC 6238 use
    return TOTP(base64.b32decode(secret), 6, algorithm, STEP_SECONDS).generate(moment).decode()


class Bastion:
    """The system under test; its folder has everything."""

    def __init__(self, root: Path, rehearsal: Rehearsal, say: Callable[[str], None]) -> None:
        self.root, self.rehearsal, self.say = root, rehearsal, say
        self.machine = rehearsal.machine
        self.address = str(bastion.network(rehearsal.facts, 2).ip)
        self.people: dict[str, Any] = {**PEOPLE["spec"]["groups"]}
        self.entries: dict[str, dict[str, Any]] = {}
        self.figures: dict[str, float] = {}
        self._guests = 0
        self.file = rehearsal.folder / "clusters/platform/people.yaml"
        self.write()

    @property
    def setting(self) -> Setting:
        """What the playbook is told."""
        return self.rehearsal.prepare(self.file)

    def write(self) -> None:
        """Write the people's file."""
        spec = {"groups": self.people, "people": list(self.entries.values())}
        write(self.rehearsal.folder, PEOPLE | {"spec": spec})

    def hire(self, name: str, uid: int, group: str, **more: Any) -> Someone:
        """Add a person with a new key to the file; the next run of the playbook makes the account."""
        key = self.rehearsal.folder / "keys" / name
        key.parent.mkdir(exist_ok=True, mode=0o700)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
        subprocess.run(command, check=True, capture_output=True)
        public = key.with_suffix(".pub").read_text(encoding="ascii").strip()
        self.entries[name] = person(name, uid, groups=[group], keys=[public], until=TODAY + timedelta(days=30), **more)
        self.write()
        return Someone(name, key)

    def play(self, *words: str, extra: dict[str, object] | None = None, kept: bool = True) -> Played:
        """Run the playbook, and tell how long it took."""
        played = play.play(self.root, self.setting, *words, extra=extra, kept=kept)
        told = f"playbook {' '.join(words)}: {played.ok} ok, {played.changed} changed, {played.failed} failed"
        self.say(f"{told}, {played.seconds:.1f} s")
        (self.rehearsal.folder / "play.log").open("a", encoding="utf-8").write(played.output)
        return played

    def lynis(self) -> int:
        """Return Lynis's hardening index of the system, 0 to 100; Lynis itself is taken away again."""
        self.machine.run("sh", "-c", "apt-get -qq update && apt-get -qq install --no-install-recommends lynis")
        self.machine.run("lynis", "audit", "system", "--quick", "--no-colors", "--quiet", check=False)
        told = self.machine.run("cat", "/var/log/lynis-report.dat").stdout
        self.machine.run("sh", "-c", "apt-get -qq purge lynis menu- && rm -rf /var/lib/apt/lists/* /var/log/lynis*")
        found = re.search(r"^hardening_index=(\d+)", told, re.MULTILINE)
        assert found, told[-2000:]
        return int(found[1])

    def enrol(self, who: Someone) -> None:
        """Invite a person and go through the first login as they would."""
        invitation = self.machine.run(SECOND_FACTOR, "invite", who.name).stdout.strip()
        with self._ssh(who, invitation, []) as process:
            assert process.stdin
            assert process.stdout
            shown = ""
            while (found := ENROLMENT.search(shown)) is None:
                line = process.stdout.readline()
                assert line, f"no enrolment was offered: {shown}"
                shown += line
            who.secret, who.recovery = found["secret"], found["codes"].split()
            process.stdin.write(app_code(who.secret, time.time()) + "\n")
            process.stdin.flush()
            rest = process.stdout.read()
        assert "Enrolled" in rest, shown + rest

    def ssh(
        self,
        who: Someone,
        *command: str,
        code: str | None = None,
        words: tuple[str, ...] = (),
        netns: str = "",
        text: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Log in as a person and run a command that is fed ``text``; ``code`` None takes the right one."""
        with self._ssh(who, who.code() if code is None else code, list(words), *command, netns=netns) as process:
            try:
                out, _ = process.communicate(text, timeout=ANSWER_SECONDS)
            except subprocess.TimeoutExpired:  # whoever is banned while he signs in hears nothing more, and waits
                process.kill()
                out, _ = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, out, "")

    def wait_half_a_minute(self, who: Someone) -> None:
        """Forget a person's tries of the last 30 s, of which three are allowed: tests come faster than people."""
        file = self.machine.root / "var/lib/bastion/second-factor" / who.name
        if file.exists():
            text = file.read_text(encoding="ascii")
            file.write_text(re.sub(r'^(" RATE_LIMIT \d+ \d+).*$', r"\1", text, flags=re.MULTILINE), encoding="ascii")

    @contextmanager
    def guest(self) -> Iterator[str]:
        """Make a host of its own in the bastion's network; yields its namespace: a ban there bans nobody else."""
        self._guests += 1
        name = f"bastion-guest-{self._guests}"
        machine.join(name, self.rehearsal.facts, 2 + self._guests)
        try:
            yield name
        finally:
            machine.leave(name)

    def _ssh(self, who: Someone, code: str, words: list[str], *command: str, netns: str = "") -> subprocess.Popen[str]:
        folder = self.rehearsal.folder
        self.wait_half_a_minute(who)
        answer = folder / "answer"
        if not answer.exists():
            answer.write_text('#!/bin/sh\necho "$CODE"\n', encoding="ascii")
            answer.chmod(0o755)
        public = (self.machine.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii").split()
        known = folder / "known_hosts"
        known.write_text(f"{self.address} {public[0]} {public[1]}\n", encoding="ascii")
        options = ["IdentitiesOnly=yes", f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes"]
        options += [
            "ConnectTimeout=10",
            "NumberOfPasswordPrompts=1",
            "PreferredAuthentications=publickey,keyboard-interactive",
        ]
        settings = [word for option in options for word in ("-o", option)]
        enter = ["ip", "netns", "exec", netns] if netns else []
        target = f"{who.name}@{self.address}"
        ssh = [*enter, "ssh", "-F", "/dev/null", "-i", str(who.key), *settings, *words, target, *command]
        environment = {**os.environ, "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "CODE": code}
        environment.pop("SSH_AUTH_SOCK", None)
        return subprocess.Popen(
            ssh, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
