"""Keeps services running with runit: a killed one is started again within a second."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from onair.adapters.local import cgroups
from onair.core.paths import Paths
from onair.core.service import Service, run_script

LOG_BYTES, LOG_FILES = 2_000_000, 3


@dataclass(frozen=True)
class State:
    """What the supervisor says of one service; ``seconds`` since it is in that state."""

    id: str
    state: str
    pid: int
    seconds: float


class Supervisor:
    """The services of this machine, each a runit folder below ``<run>/services``."""

    def __init__(self, paths: Paths) -> None:
        self.folder, self.logs = paths.run / "services", paths.state / "log"

    def ensure(self, services: list[Service]) -> list[str]:
        """Run ``services``; one whose command changed is restarted, one that runs as wanted is left alone.

        Returns
        -------
        list of str
            The ids that were (re)started.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        changed = [service.id for service in services if self._write(service)]
        self._ensure_scan()
        halted = {state.id for state in self.states() if state.state.startswith("down")}
        for service in services:  # an interrupted rehearsal's
            if service.id in halted and service.id not in changed:
                self.resume(service.id)
                changed.append(service.id)
        return changed

    def states(self) -> list[State]:
        """Return the state of every known service, by id; none where nothing is set up."""
        if not self.folder.is_dir():
            return []
        return [_state(folder) for folder in sorted(self.folder.iterdir()) if not folder.name.startswith(".")]

    def scanning(self) -> bool:
        """Tell whether the process that watches over all supervisors runs."""
        return self._scan_pid() is not None

    def stop_scan(self) -> None:
        """End the scanner, so that nothing is started again while the platform is taken down."""
        pid = self._scan_pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)

    def halt(self, service_id: str) -> None:
        """Kill a service, as the kernel would, and keep it down until ``resume`` or ``ensure``."""
        self._sv("-w0", "down", service_id)
        self._sv("kill", service_id)

    def resume(self, service_id: str) -> None:
        """Start a service that was halted; one that runs is left alone."""
        self._sv("up", service_id)

    def log(self, service_id: str) -> Path:
        """Return a service's log file."""
        return self.logs / service_id / "current"

    def _write(self, service: Service) -> bool:
        target = self.folder / service.id
        script = run_script(service, cgroups.ensure(service.cgroup))
        run = target / "run"
        if run.exists() and run.read_text() == script:
            return False
        logs = self.logs / service.id
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "config").write_text(f"s{LOG_BYTES}\nn{LOG_FILES}\n")
        joins = "".join(f"echo $$ > {shlex.quote(path)}\n" for path in cgroups.ensure("onair/supervisor"))
        log_script = f"#!/bin/sh\n{joins}exec svlogd -tt {shlex.quote(str(logs))}\n"
        if target.exists():
            _executable(run, script)
            self._sv("restart", service.id)
            return True
        # The scanner must never see half a service: make it beside, then move it in.
        new = self.folder / f".{service.id}"
        shutil.rmtree(new, ignore_errors=True)
        (new / "log").mkdir(parents=True)
        _executable(new / "run", script)
        _executable(new / "log/run", log_script)
        new.rename(target)
        return True

    def _ensure_scan(self) -> None:
        if self.scanning():
            return
        joins = " && ".join(f"echo $$ > {shlex.quote(path)}" for path in cgroups.ensure("onair/supervisor"))
        subprocess.Popen(
            ["sh", "-c", f"{joins} && exec runsvdir -P {shlex.quote(str(self.folder))}"],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )

    def _scan_pid(self) -> int | None:
        for pid in cgroups.processes("onair/supervisor"):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"runsvdir") and str(self.folder).encode() in words:
                return pid
        return None

    def _sv(self, *words: str) -> None:
        *command, service_id = words
        deadline = time.monotonic() + 10
        while True:  # a new service's supervisor needs a moment before it listens
            done = subprocess.run(
                ["sv", *command, str(self.folder / service_id)], capture_output=True, text=True, check=False
            )
            if done.returncode == 0 or "supervise/ok" not in done.stdout or time.monotonic() > deadline:
                return
            time.sleep(0.2)


def _state(folder: Path) -> State:
    status = folder / "supervise/stat"
    try:
        state, pid = status.read_text().strip(), (folder / "supervise/pid").read_text().strip()
        since = time.time() - (folder / "supervise/status").stat().st_mtime
    except OSError:
        return State(folder.name, "not supervised", 0, 0)
    return State(folder.name, state, int(pid or 0), since)


def _executable(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o755)
