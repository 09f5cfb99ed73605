"""Kernel settings of the whole machine that kubelet changes: noted before the first starts, put back by ``down``."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from onair.adapters.local import files
from onair.core.paths import Paths

PROC = Path("/proc/sys")
CHANGED_BY_KUBELET = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
"""Source: setupKernelTunables in Kubernetes' pkg/kubelet/cm/container_manager_linux.go."""


def note(paths: Paths) -> None:
    """Note the settings, unless an earlier ``up`` did."""
    if not _notes(paths).exists():
        found = {name: (PROC / name).read_text().strip() for name in CHANGED_BY_KUBELET if (PROC / name).exists()}
        files.write({_notes(paths): json.dumps(found, indent=1)})


def restore(paths: Paths) -> None:
    """Put the noted settings back, as far as the machine lets us."""
    if _notes(paths).exists():
        for name, value in json.loads(_notes(paths).read_text()).items():
            with contextlib.suppress(OSError):
                (PROC / name).write_text(value)


def _notes(paths: Paths) -> Path:
    return paths.state / "kernel.json"
