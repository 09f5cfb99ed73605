"""A real Debian 12, booted by systemd-nspawn in a network of its own, and taken away again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from onair.adapters.kubectl import wait
from onair.adapters.local.network import batch
from onair.core.access import bastion
from onair.core.access.bastion import BRIDGE, HUB_PLACE, NETNS
from onair.core.facts import Facts
from onair.core.finding import Finding, OnairError
from onair.core.topology import HUB

PROGRAMS = {"systemd-nspawn": "systemd-container", "slirp4netns": "slirp4netns", "mmdebstrap": "mmdebstrap"}
BOOT_SECONDS, HALT_SECONDS = 60, 20
RESOLVER = "10.0.2.3"
"""slirp4netns answers names there, and passes on what leaves the network, without forwarding by this machine."""


@dataclass(frozen=True)
class Machine:
    """One system below ``root``; beside it lie ``<root>.pid`` and the console's log.

    Attributes
    ----------
    binds
        Folders of this machine that the system sees, and where.
    """

    facts: Facts
    root: Path
    cache: Path
    binds: Mapping[Path, str] = field(default_factory=dict)

    def make(self) -> None:
        """Lay a bare Debian below the root, out of an archive that is made once.

        Raises
        ------
        OnairError
            A program is missing, or Debian's packages cannot be had.
        """
        require_programs()
        command = bastion.debootstrap(Path("-"))
        key = hashlib.sha256(" ".join(command).encode()).hexdigest()[:12]
        archive = self.cache / f"debian-{key}.tar"
        if not archive.exists():
            archive.parent.mkdir(parents=True, exist_ok=True)
            made = archive.with_suffix(".new.tar")
            _run(bastion.debootstrap(made), "a bare Debian cannot be made", "look at the network; run it again")
            made.replace(archive)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        _run(["tar", "--extract", "--numeric-owner", f"--file={archive}", f"--directory={self.root}"], "tar failed", "")
        (self.root / "etc/hostname").write_text("bastion\n", encoding="ascii")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost bastion\n", encoding="ascii")
        (self.root / "etc/machine-id").write_text("", encoding="ascii")

    def boot(self) -> float:
        """Boot the system and return the seconds until sshd listened.

        Raises
        ------
        OnairError
            If it does not within a minute; the log beside the root says why.
        """
        require_programs()
        network_up(self.facts)
        resolver = self.root / "etc/resolv.conf"
        resolver.unlink(missing_ok=True)
        resolver.write_text(f"nameserver {RESOLVER}\n", encoding="ascii")
        for here in self.binds:
            here.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                bastion.boot(self.root, self.binds),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid.write_text(f"{process.pid}\n", encoding="ascii")

        def listening() -> bool | str:
            if process.poll() is not None:
                return f"systemd-nspawn ended with {process.returncode}, see {self._log}"
            done = subprocess.run(["ss", "-N", NETNS, "-Hltn", "sport = :22"], capture_output=True, check=False)
            return bool(done.stdout) or "sshd does not listen"

        wait("the bastion is booted", BOOT_SECONDS, listening, interval=0.05)
        return time.monotonic() - began

    def run(self, *command: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside the booted system.

        Raises
        ------
        OnairError
            If it fails and ``check`` is set; carries what it said.
        """
        words = [*self._enter(), *command]
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
        if check and done.returncode:
            told = (done.stderr or done.stdout).strip()
            raise OnairError(Finding(rule="bastion/command", what=f"{' '.join(command)}: {told}"))
        return done

    def halt(self) -> None:
        """Shut the system down in order, or kill it when it does not halt."""
        process = self._process()
        if process is None:
            return
        os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + HALT_SECONDS
        while _lives(process) and time.monotonic() < deadline:
            time.sleep(0.05)
        if _lives(process):
            os.kill(process, signal.SIGKILL)
        self._pid.unlink(missing_ok=True)

    def remove(self) -> None:
        """Halt the system and take it, its network and its folder away."""
        self.halt()
        network_down()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the system runs."""
        return self._process() is not None

    @property
    def _pid(self) -> Path:
        return self.root.with_name(self.root.name + ".pid")

    @property
    def _log(self) -> Path:
        return self.root.with_name(self.root.name + ".log")

    def _process(self) -> int | None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            process = int(self._pid.read_text(encoding="ascii"))
            return process if _lives(process) else None
        return None

    def _enter(self) -> list[str]:
        process = self._process()
        if process is None:
            raise OnairError(Finding(rule="bastion/halted", what=f"no system runs on {self.root}", mend="make bastion"))
        leader = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()[0]
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
        return [
            "nsenter",
            f"--target={leader}",
            *spaces,
            "--",
            "/usr/bin/env",
            "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ]


def require_programs() -> None:
    """Raise OnairError where a program of a rehearsal is missing, or this is not root."""
    missing = sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    if missing:
        mend = f"make deps-dev, or: apt-get install {' '.join(missing)}"
        raise OnairError(Finding(rule="bastion/program", what=f"not found: {', '.join(missing)}", mend=mend))
    if os.geteuid() != 0:
        raise OnairError(
            Finding(rule="bastion/root", what=f"this is user id {os.geteuid()}, not root", mend="use sudo")
        )


def network_up(facts: Facts) -> None:
    """Make the rehearsal's network: a bridge of this machine, and a way out that needs no forwarding."""
    if not Path(f"/run/netns/{NETNS}").exists():
        batch(
            "",
            [
                f"link add {BRIDGE} type bridge",
                f"addr add {bastion.network(facts)} dev {BRIDGE}",
                f"link set {BRIDGE} up",
            ],
        )
        join(NETNS, facts, 2)
        # Regions that do not run must not be looked for outside of this machine.
        batch(NETNS, [f"route add unreachable {facts.platform.spec.pools.local} metric 1000"])
    reach_regions(facts)
    if not _slirps():
        log = subprocess.DEVNULL
        command = ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path"]
        subprocess.Popen(
            [*command, f"/run/netns/{NETNS}", "tap0"], stdin=log, stdout=log, stderr=log, start_new_session=True
        )

        def connected() -> bool:
            devices = subprocess.run(["ip", "-n", NETNS, "route", "show", "default"], capture_output=True, check=False)
            return b"tap0" in devices.stdout

        wait("the bastion's way out", BOOT_SECONDS, connected, interval=0.05)


def reach_regions(facts: Facts) -> None:
    """Lead from the rehearsal's network to the regions, where they run: they come and go without it."""
    foot = f"b-{HUB_PLACE}"
    if not Path(f"/run/netns/{HUB}").exists() or Path(f"/sys/class/net/{foot}/master").exists():
        return
    _remove(foot)  # of a bridge that is no more
    _plug(HUB, facts, HUB_PLACE, NETNS)
    way = bastion.network(facts, HUB_PLACE).ip
    batch(NETNS, [f"route replace {each.network.cidr} via {way}" for each in facts.local()])


def join(netns: str, facts: Facts, place: int) -> None:
    """Make a network namespace with one foot in the rehearsal's network."""
    subprocess.run(["ip", "netns", "add", netns], check=True, capture_output=True)
    batch(netns, ["link set lo up"])
    _plug(netns, facts, place, "eth0")


def _plug(netns: str, facts: Facts, place: int, device: str) -> None:
    """Put one foot of a namespace onto the rehearsal's bridge."""
    foot = f"b-{place}"
    batch("", [f"link add {foot} type veth peer name {device} netns {netns}", f"link set {foot} master {BRIDGE} up"])
    batch(netns, [f"addr add {bastion.network(facts, place)} dev {device}", f"link set {device} up"])


def leave(netns: str) -> None:
    """Take such a namespace away; its foot goes first, for a process that dies slowly would keep it."""
    subprocess.run(["ip", "-n", netns, "link", "del", "eth0"], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", netns], check=False, capture_output=True)


def network_down() -> None:
    """Take the network away."""
    for process in _slirps():
        os.kill(process, signal.SIGTERM)
    leave(NETNS)
    _remove(f"b-{HUB_PLACE}")
    _remove(BRIDGE)


def _remove(link: str) -> None:
    subprocess.run(["ip", "link", "del", link], check=False, capture_output=True)


def _slirps() -> list[int]:
    found = psutil.process_iter(["cmdline"])
    words = {each.pid: each.info["cmdline"] or [""] for each in found}
    return [pid for pid, line in words.items() if line[0].endswith("slirp4netns") and f"/run/netns/{NETNS}" in line]


def _lives(process: int) -> bool:
    try:
        return str(psutil.Process(process).status()) != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _run(command: list[str], what: str, mend: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise OnairError(Finding(rule="bastion/make", what=f"{what}: {last}", mend=mend))
