"""Records of measurements as JSON, and the report made of them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs/reports/benchmarks.md"
RECORDS = ROOT / "docs/reports/benchmarks"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Machine(_Model):
    """Where a figure was measured; memory in GiB, ``load`` the 1-minute load average before the run."""

    system: str
    kernel: str
    processor: str
    cores: int
    memory: float
    cgroup: int
    python: str
    load: float


class Figure(_Model):
    """One measured quantity.

    Attributes
    ----------
    samples
        Every single measurement, in the order in which it was made.
    target
        Upper bound to reach, on ``judged`` (median, p95 or max); None for a figure without one.
    """

    name: str
    unit: str
    samples: list[float]
    target: float | None = None
    judged: str = "max"
    note: str = ""

    def value(self, how: str) -> float:
        """Return ``median``, ``p95`` (nearest rank), ``min`` or ``max`` of the samples."""
        ordered = sorted(self.samples)
        ranks = {"min": 0, "max": len(ordered) - 1, "p95": -(-95 * len(ordered) // 100) - 1}
        return statistics.median(ordered) if how == "median" else ordered[ranks[how]]

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        return None if self.target is None else self.value(self.judged) <= self.target


class Record(_Model):
    """What one benchmark found."""

    benchmark: str
    measured_at: str
    commit: str
    machine: Machine
    figures: list[Figure]
    details: list[str] = []


def machine() -> Machine:
    """Describe this machine."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return Machine(
        system=system,
        kernel=platform.release(),
        processor=model,
        cores=os.cpu_count() or 0,
        memory=round(psutil.virtual_memory().total / 2**30, 1),
        cgroup=2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def save(benchmark: str, figures: Sequence[Figure], before: Machine, details: Sequence[str] = ()) -> Record:
    """Write a benchmark's record, then the whole report anew.

    Parameters
    ----------
    before
        ``machine()`` as it was before the measurement began.
    """
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    record = Record(
        benchmark=benchmark,
        measured_at=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        commit=commit or "no commit yet",
        machine=before,
        figures=list(figures),
        details=list(details),
    )
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{benchmark}.json").write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    records = [Record.model_validate_json(path.read_bytes()) for path in sorted(RECORDS.glob("*.json"))]
    REPORT.write_text(render(records), encoding="utf-8")
    return record


def render(records: Sequence[Record]) -> str:
    """Return the report in Markdown."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench` from the records in docs/reports/benchmarks/; never edited by hand.",
        "",
    ]
    for record in records:
        m = record.machine
        where = (
            f"{m.cores} cores ({m.processor}), {m.memory:g} GiB, {m.system}, kernel {m.kernel}, cgroup v{m.cgroup}, "
            f"Python {m.python}, load average {m.load:g} before"
        )
        lines += [f"## {record.benchmark}", "", f"{record.measured_at}, commit {record.commit}: {where}.", ""]
        lines += [
            "| figure | unit | n | min | median | p95 | max | target | met |",
            "| --- | --- " + "| ---: " * 6 + "| --- |",
        ]
        for f in record.figures:
            values = " | ".join(f"{f.value(how):.4g}" for how in ("min", "median", "p95", "max"))
            target = "" if f.target is None else f"{f.judged} ≤ {f.target:g}"
            met = {None: "", True: "yes", False: "**no**"}[f.met]
            name = f.name + (f" ({f.note})" if f.note else "")
            lines.append(f"| {name} | {f.unit} | {len(f.samples)} | {values} | {target} | {met} |")
        lines += ["", *(f"- {detail}" for detail in record.details)]
        lines += [""] if record.details else []
    return "\n".join(lines).rstrip() + "\n"
