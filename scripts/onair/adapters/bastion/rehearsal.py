"""The rehearsal's parts put together: machine, keys, collector and playbook, in a folder of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from onair.adapters import facts_file, toolchain
from onair.adapters.access.collector import Collector, Store
from onair.adapters.bastion.machine import Machine, network_up, reach_regions
from onair.adapters.bastion.play import Played, Setting, play
from onair.adapters.local import pki
from onair.core.access import bastion
from onair.core.facts import Facts
from onair.core.finding import Finding, OnairError
from onair.core.paths import Paths
from onair.core.pki import CLUSTER_CA, Certificate
from onair.core.progress import Reporter

COLLECTOR = "collector.onair.test"
_LINES = 30


@dataclass(frozen=True)
class Rehearsal:
    """Everything of a rehearsal below one folder.

    Attributes
    ----------
    root
        The repository's top folder.
    folder
        Has the system, its backups, the collector's keys and the records.
    """

    root: Path
    folder: Path
    facts: Facts

    @property
    def machine(self) -> Machine:
        """The system."""
        binds = {self.folder / "backups": "/srv/backup"}
        return Machine(self.facts, self.folder / "system", Paths.of().cache / "bastion", binds)

    @property
    def store(self) -> Store:
        """What the collector keeps."""
        return Store(self.folder / "records")

    def prepare(self, people: Path | None = None, kubectl: Path | None = None) -> Setting:
        """Make keys and the backups' password where they are missing, and return what the inventory asks for."""
        keys = self.folder / "pki"
        pki.ensure_authority(keys, CLUSTER_CA)
        pki.ensure(keys, Certificate("collector", CLUSTER_CA, COLLECTOR, names=(COLLECTOR,)))
        password = self.folder / "backup-password"
        if not password.exists():
            with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        return Setting(self.machine.root, keys / f"{CLUSTER_CA}.crt", password, people, kubectl)

    def collector(self) -> Collector:
        """Return a collector that listens where the bastion sends its records."""
        address = (str(bastion.network(self.facts).ip), bastion.COLLECTOR_PORT)
        keys = self.folder / "pki"
        return Collector(address, self.store, keys / "collector.crt", keys / "collector.key")


def standing(root: Path) -> Machine:
    """Return the machine of `onair bastion up`."""
    return Rehearsal(root, bastion.STATE, facts_file.read(root)).machine


def up(root: Path, reporter: Reporter, people: Path | None) -> None:
    """Make the rehearsal, or bring the one that stands up to date.

    Raises
    ------
    OnairError
        A step failed; carries the playbook's last lines.
    """
    rehearsal = Rehearsal(root, bastion.STATE, facts_file.read(root))
    machine = rehearsal.machine
    if not machine.running:
        with reporter.step("a bare Debian 12") as step:
            machine.make()
            step.done(f"booted, and sshd listens, in {machine.boot():.1f} s")
    else:
        reach_regions(rehearsal.facts)  # they may have come since
    setting = rehearsal.prepare(people, _kubectl(root))
    _start_collector(rehearsal)
    for word in ("the playbook", "the playbook again"):
        with reporter.step(word) as step:
            played = judged(play(root, setting))
            step.done(f"{played.ok} tasks, {played.changed} changed something, {played.seconds:.0f} s")
    address = bastion.network(rehearsal.facts, 2).ip
    reporter.note(f"onair bastion invite PERSON gives the code for the first login: ssh PERSON@{address}")
    reporter.note(f"kubectl: ssh -N -D 1080 PERSON@{address}, and onair access kubeconfig CLUSTER PERSON")


def judged(played: Played) -> Played:
    """Return a run that went well.

    Raises
    ------
    OnairError
        It did not.
    """
    if played.code:
        last = "\n".join(played.output.rstrip().splitlines()[-_LINES:])
        raise OnairError(Finding(rule="bastion/play", what=f"the playbook failed:\n{last}", mend="mend what it names"))
    return played


def collect(root: Path) -> None:
    """Take records in until interrupted."""
    rehearsal = Rehearsal(root, bastion.STATE, facts_file.read(root))
    rehearsal.prepare()
    network_up(rehearsal.facts)
    with rehearsal.collector() as server:
        server.serve_forever()


def down(root: Path) -> None:
    """Take all of it away."""
    rehearsal = Rehearsal(root, bastion.STATE, facts_file.read(root))
    pid = rehearsal.folder / "collector.pid"
    if pid.exists():
        process = int(pid.read_text(encoding="ascii"))
        words = Path(f"/proc/{process}/cmdline")
        if words.exists() and b"collect" in words.read_bytes():
            os.kill(process, signal.SIGTERM)
    rehearsal.machine.remove()
    shutil.rmtree(rehearsal.folder, ignore_errors=True)


def _start_collector(rehearsal: Rehearsal) -> None:
    pid = rehearsal.folder / "collector.pid"
    if pid.exists() and Path(f"/proc/{pid.read_text(encoding='ascii')}").exists():
        return
    with (rehearsal.folder / "collector.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "onair", "bastion", "collect"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    pid.write_text(f"{process.pid}", encoding="ascii")


def _kubectl(root: Path) -> Path | None:
    """Return the regions' own kubectl where it was built already: a rehearsal does not build Kubernetes."""
    built = Paths.of().cache / "bin/kubernetes" / toolchain.load(root)["kubernetes"].key / "kubectl"
    return built if built.exists() else None
