"""Takes the local platform away whole, whatever state it is in: processes, mounts, network, cgroups, files.

Nothing is looked up in a record that a crash could have lost: everything of ours is known by its place
(the ``onair`` cgroup, our folders, the ``onair-`` prefix).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from onair.adapters.local import cgroups, kernel, network
from onair.adapters.local.supervisor import Supervisor
from onair.core.paths import Paths
from onair.core.progress import Reporter

KUBELET_LOG_LINKS = Path("/var/log/containers")
CNI_RESULTS = Path("/var/lib/cni/results")
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
DEVICE_PLUGIN_FILES = ("DEPRECATION", "kubelet.sock", "kubelet_internal_checkpoint")
CONTAINERD = Path("/run/containerd")
SHIM_SOCKETS, RUNC_STATES = CONTAINERD / "s", CONTAINERD / "runc/k8s.io"
EMPTY_AFTER = (
    SHIM_SOCKETS, RUNC_STATES, RUNC_STATES.parent, CONTAINERD,
    KUBELET_LOG_LINKS, CNI_RESULTS, Path("/var/lib/cni/cache"), Path("/var/lib/cni"), DEVICE_PLUGINS,
    DEVICE_PLUGINS.parent,
)  # fmt: skip
"""Folders that kubelet, containerd and CNI make at fixed places: removed where nothing else is in them."""


def down(paths: Paths, reporter: Reporter, *, purge: bool = False) -> None:
    """Remove all that ``up`` made; with ``purge`` the cache too.

    Raises
    ------
    TimeoutError
        If a process cannot be ended.
    """
    with reporter.step("processes") as step:
        supervisor = Supervisor(paths)
        supervisor.stop_scan()
        count = len(cgroups.processes())
        cgroups.kill()
        step.done(f"{count} ended")
    with reporter.step("mounts") as step:
        step.done(f"{unmount(paths.run, paths.state, paths.cache)} unmounted")
    with reporter.step("network"):
        network.remove()
    with reporter.step("cgroups"):
        cgroups.remove()
    kernel.restore(paths)
    with reporter.step("files"):
        _remove_strays(paths)
        for folder in (paths.run, paths.state, *((paths.cache,) if purge else ())):
            if folder.exists():
                shutil.rmtree(folder)


def unmount(*folders: Path) -> int:
    """Unmount everything below these folders, innermost first; returns how many."""
    ours = [f"{folder}/" for folder in folders]
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    mounted = [point for point in points if point.startswith(tuple(ours))]
    for point in reversed(mounted):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)
    return len(mounted)


def _remove_strays(paths: Paths) -> None:
    if KUBELET_LOG_LINKS.is_dir():
        for link in KUBELET_LOG_LINKS.iterdir():
            if link.is_symlink() and str(link.readlink()).startswith(f"{paths.state}/"):
                link.unlink()
    for file in _children(CNI_RESULTS):
        if _ours(file, paths):
            file.unlink()
    for container in _children(RUNC_STATES):
        if _ours(container / "state.json", paths):
            shutil.rmtree(container)
    # A socket that nobody listens on belongs to a shim that has ended, whoever started it.
    listening = {line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()}
    for socket in _children(SHIM_SOCKETS):
        if str(socket) not in listening:
            socket.unlink()
    for name in DEVICE_PLUGIN_FILES:
        (DEVICE_PLUGINS / name).unlink(missing_ok=True)
    for folder in EMPTY_AFTER:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _children(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _ours(file: Path, paths: Paths) -> bool:
    """Tell whether a state file of containerd or CNI speaks of our folders."""
    return file.is_file() and f"{paths.run}/" in file.read_text(errors="replace")
