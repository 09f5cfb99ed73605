"""The ``onair`` cgroup: every process that the platform starts lives below it, and is found by it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "onair"
ATTEMPTS = 100
WEIGHT = 8
"""Processor time under contention, against 1 for a session of the machine: the platform stands for eight machines, and
with the weight of one a build or a test beside it starves the shop. With 32, Linux 6.18 let whole regions, and even the
load's client, wait for up to seconds beside two busy processes (p99 of a page 470-1600 ms; with 8 80-120 ms)."""
SERVING_WEIGHT = 4
"""The pods of a node and the edge, against 1 for each daemon: those are on machines of their own in the cloud."""


def is_v2() -> bool:
    """Tell whether the machine has the unified hierarchy alone."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """Return the folders that each hold a tree of cgroups (one under version 2)."""
    if is_v2():
        return [ROOT]
    return sorted(x for x in ROOT.iterdir() if (x / "cgroup.procs").exists() and not x.is_symlink())


def ensure(cgroup: str) -> list[str]:
    """Make ``cgroup`` (a path such as ``onair/local-kr/etcd``) in every hierarchy.

    Returns
    -------
    list of str
        The ``cgroup.procs`` files to join it by.
    """
    return [str(_ensure_in(hierarchy, cgroup) / "cgroup.procs") for hierarchy in hierarchies()]


def join(cgroup: str) -> None:
    """Move this process, and what it starts from now on, into ``cgroup``.

    From outside, a command gets the processor time that a busy platform leaves over: a ninth.
    """
    for file in ensure(cgroup):
        Path(file).write_text(str(os.getpid()))


def processes(cgroup: str = NAME) -> list[int]:
    """Return the ids of all processes in ``cgroup`` and below."""
    found: set[int] = set()
    for hierarchy in hierarchies():
        for folder in _folders(hierarchy / cgroup):
            try:
                found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
            except OSError:  # the cgroup went away meanwhile
                continue
    return sorted(found)


def _folders(top: Path) -> Iterator[Path]:
    """Iterate over a cgroup and those below; unlike ``Path.rglob``, past those that go away meanwhile."""
    return (Path(folder) for folder, _, _ in os.walk(top))


def kill(cgroup: str = NAME) -> None:
    """End every process in ``cgroup`` and below, and wait until none is left.

    Raises
    ------
    TimeoutError
        If one outlives ten seconds of SIGKILL (it hangs in the kernel).
    """
    for _ in range(ATTEMPTS):
        left = [process for process in processes(cgroup) if process != os.getpid()]
        if not left:
            return
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)
    message = f"processes {left} in cgroup {cgroup} do not end"
    raise TimeoutError(message)


def remove(cgroup: str = NAME) -> None:
    """Delete ``cgroup`` and all below it, once it is empty."""
    for hierarchy in hierarchies():
        top = hierarchy / cgroup
        if not top.is_dir():
            continue
        for folder in sorted(_folders(top), key=lambda x: -len(x.parts)):
            with suppress(FileNotFoundError):  # runc, ended just now, had begun to take it away itself
                folder.rmdir()


def _ensure_in(hierarchy: Path, cgroup: str) -> Path:
    folder = hierarchy
    for part in Path(cgroup).parts:
        parent, folder = folder, folder / part
        if is_v2():
            controllers = (parent / "cgroup.controllers").read_text().split()
            (parent / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
        folder.mkdir(exist_ok=True)
        if weight := WEIGHT if part == NAME else SERVING_WEIGHT if part.endswith(("edge", ".pods")) else 0:
            _weigh(folder, weight)
        # A new cpuset has no processor and no memory until it is told: tasks could not join it.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if not is_v2() and (folder / file).exists() and not (folder / file).read_text().strip():
                (folder / file).write_text((parent / file).read_text())
    return folder


def _weigh(folder: Path, weight: int) -> None:
    for file, default in (("cpu.shares", 1024), ("cpu.weight", 100)):  # cgroup v1, v2
        if (folder / file).exists():
            (folder / file).write_text(str(default * weight))
