"""May the platform start on this machine? A decision from collected facts alone."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from onair.core.finding import Finding

GIB = 2**30
MEMORY = 8 * GIB
"""What both regions may take when idle (the platform's own budget)."""
DISK = {"cold": 28 * GIB, "warm": 6 * GIB}
"""Free space for a start with an empty and a full cache; measured: Go 13 GiB, programs 1, images 11, volumes 1."""
GO = (1, 21)
"""The first Go that fetches the toolchain version a module asks for (https://go.dev/doc/toolchain)."""
CONTROLLERS = {
    1: frozenset({"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio"}),
    2: frozenset({"cpu", "cpuset", "memory", "pids", "io"}),
}
"""By cgroup version, what kubelet and runc require."""


class Listener(NamedTuple):
    """Who holds a TCP port."""

    address: str
    port: int
    program: str
    pid: int | None


class Machine(NamedTuple):
    """What was found on this machine; sizes in bytes.

    Attributes
    ----------
    disks
        Free space by the folder that will be written.
    cgroup_version
        1, 2, or 0 when there is none.
    programs
        Each Debian package with the program that stands for it, and whether that is there.
    go
        Version of the Go client, None when it is missing.
    cold
        The cache has no programs yet.
    running
        The platform runs already: its memory, disk and ports are its own.
    """

    uid: int
    memory_available: int
    disks: Mapping[str, int]
    listeners: tuple[Listener, ...]
    cgroup_version: int
    controllers: frozenset[str]
    programs: Mapping[str, tuple[str, bool]]
    go: tuple[int, int] | None
    cold: bool
    running: bool


def check(machine: Machine, ports: Iterable[int]) -> list[Finding]:
    """Return everything that keeps the platform from starting, each with what mends it.

    Parameters
    ----------
    machine
        What was found.
    ports
        Loopback TCP ports the edge will open.
    """
    findings = [*_root(machine), *_programs(machine), *_go(machine), *_cgroups(machine)]
    if not machine.running:
        findings += [*_room(machine), *_ports(machine, set(ports))]
    return findings


def _root(machine: Machine) -> Iterable[Finding]:
    if machine.uid != 0:
        yield Finding(
            rule="preflight/root",
            what=f"this is user id {machine.uid}, not root",
            why="network namespaces, mounts and cgroups are made",
            mend="run it with sudo, or as root",
        )


def _programs(machine: Machine) -> Iterable[Finding]:
    missing = {package: program for package, (program, there) in machine.programs.items() if not there}
    if missing:
        listed = ", ".join(f"{program} (package {package})" for package, program in missing.items())
        yield Finding(
            rule="preflight/program",
            what=f"not found: {listed}",
            mend=f"make deps, or: apt-get install --no-install-recommends {' '.join(missing)}",
        )


def _go(machine: Machine) -> Iterable[Finding]:
    wanted = ".".join(map(str, GO))
    mend = f"install Go {wanted} or newer (https://go.dev/doc/install) and put it on PATH"
    why = "the Kubernetes programs are built from their pinned modules"
    if machine.go is None:
        yield Finding(rule="preflight/go", what="the command `go` was not found", why=why, mend=mend)
    elif machine.go < GO:
        what = f"Go {machine.go[0]}.{machine.go[1]} is older than {wanted}"
        yield Finding(rule="preflight/go", what=what, why=why, mend=mend)


def _cgroups(machine: Machine) -> Iterable[Finding]:
    if machine.cgroup_version not in CONTROLLERS:
        yield Finding(
            rule="preflight/cgroup",
            what="no cgroup hierarchy is mounted on /sys/fs/cgroup",
            why="pods are limited by cgroups",
            mend="mount -t cgroup2 none /sys/fs/cgroup",
        )
        return
    missing = CONTROLLERS[machine.cgroup_version] - machine.controllers
    if missing:
        yield Finding(
            rule="preflight/cgroup",
            what=f"cgroup v{machine.cgroup_version} lacks: {', '.join(sorted(missing))}",
            why="kubelet and runc refuse to start without them",
            mend="boot with cgroup_enable=NAME for each, or allow them in the container this runs in",
        )


def _room(machine: Machine) -> Iterable[Finding]:
    available = machine.memory_available / GIB
    if machine.memory_available < MEMORY:
        yield Finding(
            rule="preflight/memory",
            what=f"{available:.1f} GiB of memory are available, {MEMORY // GIB} are needed",
            why="two regions share this machine",
            mend="stop other programs or use a larger machine",
        )
    needed = DISK["cold" if machine.cold else "warm"]
    for folder, free in machine.disks.items():
        if free < needed:
            yield Finding(
                rule="preflight/disk",
                what=f"{free / GIB:.1f} GiB are free at {folder}, {needed // GIB} are needed",
                why="sources, builds, images and volumes are kept there",
                mend="free some space, or move the caches: ONAIR_CACHE, GOCACHE, GOMODCACHE",
            )


def _ports(machine: Machine, ports: set[int]) -> Iterable[Finding]:
    for listener in machine.listeners:
        if listener.port in ports and listener.address in {"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"}:  # noqa: S104
            owner = listener.program + (f", process {listener.pid}" if listener.pid else "")
            yield Finding(
                rule="preflight/port",
                what=f"port {listener.port} on {listener.address} is in use by {owner}",
                why="the edge listens there",
                mend="stop that program, or set another port: clusters/platform/platform.yaml, spec.edge",
            )
