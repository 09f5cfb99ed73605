"""A supervised process, as data: what runs, where, and under which cgroup."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Service:
    """One long-running process of the local platform.

    Attributes
    ----------
    group
        ``hub``, ``edge`` or the name of a cluster.
    name
        Unique in its group, e.g. ``kube-apiserver`` or ``local-kr-a.kubelet``.
    argv
        The command; its first word is an absolute path.
    netns
        Network namespace it runs in; empty for the machine's own.
    environment
        Added to a minimal environment.
    nice
        Added niceness: what must stay responsive (etcd, API server) runs at 0, the rest may yield.
    wait_for
        A file that must exist before the first start (the supervisor retries each second).
    configuration
        Texts of the files it reads at start: a change of them restarts it.
    """

    group: str
    name: str
    argv: tuple[str, ...]
    netns: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    nice: int = 0
    wait_for: str = ""
    configuration: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Unique name of the service on this machine."""
        return f"{self.group}.{self.name}"

    @property
    def cgroup(self) -> str:
        """Path of the service's cgroup below a hierarchy's root."""
        return f"onair/{self.group}/{self.name}"


def run_script(service: Service, cgroup_files: list[str]) -> str:
    """Return the supervisor's ``run`` script of a service.

    Parameters
    ----------
    service
        What to run.
    cgroup_files
        ``cgroup.procs`` files that the process writes itself into first, so that whatever it leaves behind can
        be found by its cgroup.
    """
    words = [*service.argv]
    if service.nice:
        words = ["nice", "-n", str(service.nice), *words]
    if service.netns:
        words = ["nsenter", f"--net=/run/netns/{service.netns}", "--", *words]
    environment = [f"{key}={value}" for key, value in sorted(service.environment.items())]
    base = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
    mark = hashlib.sha256("\0".join(service.configuration).encode()).hexdigest()[:16]
    lines = ["#!/bin/sh", f"# configuration {mark}", "exec 2>&1"]
    if service.wait_for:
        lines.append(f"[ -e {shlex.quote(service.wait_for)} ] || {{ sleep 1; exit 111; }}")
    lines += [f"echo $$ > {shlex.quote(path)} || exit 111" for path in cgroup_files]
    lines.append("exec " + shlex.join([*base, *environment, *words]))
    return "\n".join(lines) + "\n"
