"""What the platform costs at rest: memory (PSS) and processor time of every process in its cgroup."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from benchmarks.record import Figure, Record, machine, save
from onair.adapters.local import cgroups

MEMORY_GIB, CORES = 8.0, 0.8
TOP = 15
PROC = Path("/proc")


def processor_seconds() -> float | None:
    """Return processor time of the whole cgroup, processes that ended included; None where nothing accounts it."""
    try:
        if cgroups.is_v2():
            text = (cgroups.ROOT / cgroups.NAME / "cpu.stat").read_text(encoding="ascii")
            return int(text.split("usage_usec", 1)[1].split()[0]) / 1e6
        for hierarchy in cgroups.hierarchies():
            usage = hierarchy / cgroups.NAME / "cpuacct.usage"
            if usage.exists():
                return int(usage.read_text(encoding="ascii")) / 1e9
    except OSError:
        pass
    return None


def pss(process: int) -> int:
    """Return the proportional set size in bytes; 0 once the process is gone."""
    try:
        for line in (PROC / str(process) / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def name(process: int) -> str:
    """Return a process's program name."""
    try:
        words = (PROC / str(process) / "cmdline").read_bytes().split(b"\0")
        return Path(words[0].decode(errors="replace").split(" ")[0]).name
    except OSError:
        return ""


def run(windows: int = 5, seconds: float = 60.0) -> Record:
    """Measure ``windows`` times: processor time over ``seconds`` each, memory at the end of each.

    Raises
    ------
    RuntimeError
        If nothing runs, or no controller accounts processor time.
    """
    before, cores, memory = machine(), list[float](), list[float]()
    by_program: Counter[str] = Counter()
    for _ in range(windows):
        first, began = processor_seconds(), time.monotonic()
        time.sleep(seconds)
        last, took = processor_seconds(), time.monotonic() - began
        if first is None or last is None:
            raise RuntimeError(f"the cgroup '{cgroups.NAME}' does not exist or has no processor accounting: onair up")
        cores.append((last - first) / took)
        by_program.clear()
        for process in cgroups.processes():
            by_program[name(process)] += pss(process)
        memory.append(by_program.total() / 2**30)
    figures = [
        Figure(name="memory, both regions", unit="GiB PSS", samples=memory, target=MEMORY_GIB),
        Figure(name="processor, both regions", unit="cores", samples=cores, target=CORES, note=f"{seconds:g} s each"),
    ]
    programs = [f"{program}: {size / 2**20:.0f} MiB" for program, size in by_program.most_common(TOP)]
    return save("idle", figures, before, programs)
