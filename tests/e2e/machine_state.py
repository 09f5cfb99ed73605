"""What ``down`` must leave as it was before ``up``: everything on the machine that the platform may touch."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from onair.adapters.local import cgroups
from onair.core.paths import Paths

TREES = (
    "/run/netns",
    "/run/runc",
    "/run/containerd",
    "/run/containers",
    "/etc/cni",
    "/var/lib/cni",
    "/var/lib/containers",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
"""Where kubelet, containerd, runc, CNI plug-ins and buildah put things by default."""
CGROUPS = (cgroups.NAME, "kube", "k8s", "containerd", "runc", "buildah")
"""In the names of cgroups that the platform and its tools make; others come and go with the machine's sessions."""
SYSCTLS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/ip_forward",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""What kubelet and kube-proxy are known to change."""
State = dict[str, frozenset[str]]


def take(paths: Paths) -> State:
    """Look at the machine; changes nothing."""
    folders = [*map(Path, TREES), paths.state, paths.run]
    temporary = map(str, Path("/var/tmp").iterdir())  # noqa: S108  (buildah's, if it leaves any)
    return {
        "processes": frozenset(_processes(paths)),
        "links": frozenset(_lines("ip", "-oneline", "link", "show")),
        "routes": frozenset(_lines("ip", "-4", "route", "show", "table", "all")),
        "rules": frozenset(_lines("ip", "-4", "rule", "show")),
        "packet filters": frozenset([*_filters("iptables-save"), *_filters("ip6tables-save")]),
        "mounts": frozenset(_mounts()),
        "cgroups": frozenset(_cgroups()),
        "files": frozenset([*_files(folders), *temporary]),
        "listeners": frozenset(_listeners()),
        "kernel settings": frozenset(_settings()),
    }


def changes(before: State, after: State) -> list[str]:
    """Return what came and what went, one line each."""
    found = []
    for kind, old in before.items():
        found += [f"{kind}: left behind: {x}" for x in sorted(after[kind] - old)]
        found += [f"{kind}: lost: {x}" for x in sorted(old - after[kind])]
    return found


def _processes(paths: Paths) -> Iterable[str]:
    """Return the processes that are ours by cgroup, by program or by a path that they were given."""
    ours = set(cgroups.processes())
    marks = [str(folder).encode() + b"/" for folder in (paths.cache, paths.state, paths.run)]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(folder.name) in ours or any(mark in words for mark in marks):
            yield words.replace(b"\0", b" ").decode(errors="replace")[:160]


def _mounts() -> Iterable[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        yield f"{words[4]} ({words[words.index('-') + 1]})"


def _cgroups() -> Iterable[str]:
    for hierarchy in cgroups.hierarchies():
        yield from (str(x) for x in hierarchy.rglob("*") if x.is_dir() and any(mark in str(x) for mark in CGROUPS))


def _files(folders: Iterable[Path]) -> Iterable[str]:
    for folder in folders:
        if folder.exists():
            yield str(folder)
            yield from (str(x) for x in folder.rglob("*"))


def _listeners() -> Iterable[str]:
    for line in _lines("ss", "-Hltun"):
        protocol, _, _, _, local, *_ = line.split()
        if not local.startswith(("127.", "[::1]")):
            yield f"{protocol} {local}"


def _filters(program: str) -> list[str]:
    return [line.split(" [")[0] for line in _lines(program) if not line.startswith("#")]  # without packet counts


def _settings() -> Iterable[str]:
    for name in SYSCTLS:
        path = Path("/proc/sys") / name
        if path.exists():
            yield f"{name} = {path.read_text().strip()}"


def _lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [" ".join(line.split()) for line in done.stdout.splitlines()]
