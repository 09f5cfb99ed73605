"""Collects what :mod:`onair.core.preflight` decides on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

from onair.adapters.local import cgroups
from onair.core.paths import Paths
from onair.core.preflight import Listener, Machine

PACKAGES = Path("requirements/debian.txt")


def collect(root: Path, paths: Paths) -> Machine:
    """Look at this machine; changes nothing.

    Parameters
    ----------
    root
        The repository's top folder, for the list of packages.
    paths
        Folders that will be written; they need not exist yet.
    """
    go = shutil.which("go")
    version, go_caches = _go(go) if go else (None, [])
    disks: dict[int, tuple[str, int]] = {}
    for folder in (paths.cache, paths.state, *go_caches):
        there = next(path for path in (folder, *folder.parents) if _exists(path))
        disks.setdefault(there.stat().st_dev, (str(folder), psutil.disk_usage(str(there)).free))
    cgroup_version, controllers = _cgroups(cgroups.ROOT)
    return Machine(
        uid=os.geteuid(),
        memory_available=psutil.virtual_memory().available,
        disks=dict(disks.values()),
        listeners=tuple(_listeners()),
        cgroup_version=cgroup_version,
        controllers=controllers,
        programs=_programs(root / PACKAGES),
        go=version,
        cold=not _exists(paths.cache / "bin"),
        running=bool(cgroups.processes()),
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # not root: the finding that says so is still to come
        return False


def _programs(file: Path) -> dict[str, tuple[str, bool]]:
    lines = [line.split() for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return {package: (program, shutil.which(program) is not None) for package, program in lines}


def _go(program: str) -> tuple[tuple[int, int] | None, list[Path]]:
    def ask(*arguments: str) -> str:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd="/")
        return done.stdout

    found = re.search(r"go(\d+)\.(\d+)", ask("version"))
    caches = [Path(line) for line in ask("env", "GOCACHE", "GOMODCACHE").splitlines() if line]
    return (int(found[1]), int(found[2])) if found else None, caches


def _listeners() -> Iterable[Listener]:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            try:
                name = psutil.Process(connection.pid).name() if connection.pid else "another user's program"
            except psutil.Error:
                name = "a program that just ended"
            yield Listener(connection.laddr.ip, connection.laddr.port, name, connection.pid)


def _cgroups(mount: Path) -> tuple[int, frozenset[str]]:
    unified = mount / "cgroup.controllers"
    if unified.exists():
        return 2, frozenset(unified.read_text().split())
    names = [name for path in mount.iterdir() for name in path.name.split(",")] if mount.is_dir() else []
    return (1, frozenset(names)) if names else (0, frozenset())
