import os
import socket
from pathlib import Path

import pytest

from onair.adapters import machine as adapter
from onair.core.paths import Paths
from onair.core.preflight import CONTROLLERS, DISK, MEMORY, Listener, Machine, check

FIT = Machine(
    uid=0,
    memory_available=MEMORY,
    disks={"/var/cache/onair": DISK["cold"]},
    listeners=(),
    cgroup_version=2,
    controllers=CONTROLLERS[2],
    programs={"git": ("git", True), "runit": ("runsvdir", True)},
    go=(1, 21),
    cold=True,
    running=False,
)
BUSY = (Listener("127.0.0.1", 8443, "nginx", 4711), Listener("0.0.0.0", 8444, "caddy", None))


def test_a_fit_machine_has_no_findings() -> None:
    assert check(FIT, [8443, 8444]) == []
    assert check(FIT._replace(cgroup_version=1, controllers=CONTROLLERS[1]), [8443]) == []


@pytest.mark.parametrize(
    ("machine", "rule", "words"),
    [
        (FIT._replace(uid=1000), "root", ["1000", "sudo"]),
        (FIT._replace(memory_available=MEMORY - 1), "memory", ["8.0 GiB", "8 are needed"]),
        (FIT._replace(disks={"/x": DISK["cold"] - 1}), "disk", ["/x", "28 are needed", "ONAIR_CACHE"]),
        (FIT._replace(disks={"/x": DISK["warm"] - 1}, cold=False), "disk", ["6 are needed"]),
        (FIT._replace(listeners=BUSY[:1]), "port", ["8443", "nginx", "process 4711"]),
        (FIT._replace(listeners=BUSY[1:]), "port", ["8444", "caddy"]),
        (FIT._replace(cgroup_version=0), "cgroup", ["mount -t cgroup2"]),
        (FIT._replace(controllers=CONTROLLERS[2] - {"cpu", "io"}), "cgroup", ["cpu, io"]),
        (FIT._replace(programs={"runit": ("runsvdir", False)}), "program", ["runsvdir (package runit)", "make deps"]),
        (FIT._replace(go=None), "go", ["1.21"]),
        (FIT._replace(go=(1, 19)), "go", ["1.19 is older"]),
    ],
)
def test_each_lack_is_named_with_what_mends_it(machine: Machine, rule: str, words: list[str]) -> None:
    (found,) = check(machine, [8443, 8444])
    assert found.rule == f"preflight/{rule}"
    assert found.mend
    for word in words:
        assert word in found.what + found.mend


def test_other_ports_and_addresses_do_not_matter() -> None:
    others = (Listener("127.0.0.1", 22, "sshd", 1), Listener("192.0.2.1", 8443, "nginx", 2))
    assert check(FIT._replace(listeners=others), [8443]) == []


def test_a_running_platform_is_not_in_its_own_way() -> None:
    running = FIT._replace(running=True, memory_available=0, disks={"/": 0}, listeners=BUSY)
    assert check(running, [8443, 8444]) == []


def test_this_machine_is_described(root: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "none" / "cache", tmp_path, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = adapter.collect(root, paths)
        own = [x for x in found.listeners if x.port == server.getsockname()[1]]
    assert own[0].pid == os.getpid()
    assert found.cold
    assert found.memory_available > 0
    assert str(paths.cache) in found.disks
    assert found.programs["git"] == ("git", True)
