"""What the gate finds of the seeded defects, and what the usual chain finds of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import gate_chain, seeds
from benchmarks.record import Figure, Record, machine, save
from onair.adapters.gate.check import Options
from onair.adapters.gate.check import run as run_gate
from onair.core.finding import Finding
from onair.core.report.model import Report

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
"""Noon of a Tuesday in Korea: what depends on the day must not make a test depend on it."""


def check(root: Path, cache: Path, against: str | None = None) -> Report:
    """Check the copy at ``root`` in this process."""
    return run_gate(root, Options(now=NOW, base=against, cache=cache))


def run() -> Record:
    """Break a copy of the repository in every way that is seeded, one after the other, and ask both of each.

    Raises
    ------
    RuntimeError
        If a tool does not run.
    """
    before, chain = machine(), gate_chain.Chain()
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder:
        whole = seeds.committed(Path(folder) / "whole")
        figures, details = seeded(chain, whole, Path(folder), list(seeds.load()))
    return save("defects", figures, before, details)


def seeded(
    chain: gate_chain.Chain, whole: Path, top: Path, defects: list[seeds.Defect]
) -> tuple[list[Figure], list[str]]:
    """Compare what the chain and the gate find of the seeded defects."""
    cache, rendered, unrendered, mine = top / "seeds-cache", top / "seeds", set[str](), set[str]()
    unbroken = set(_errors(check(whole, cache)))
    plain = gate_chain.leaves(whole)
    for leaf in plain:
        chain.render(whole, leaf, rendered / "unbroken" / f"{leaf}.yaml")
    for defect in defects:
        broken = Path(shutil.copytree(whole, top / "broken", symlinks=True))
        defect.apply(broken)
        if set(_errors(check(broken, cache, "HEAD" if defect.change else None))) - unbroken:
            mine.add(defect.id)
        for leaf in gate_chain.touched(broken, defect.files):
            target, before = (rendered / name / f"{leaf}.yaml" for name in (defect.id, "unbroken"))
            if not chain.render(broken, leaf, target):
                unrendered.add(defect.id)
            elif before.exists() and target.read_bytes() == before.read_bytes():
                target.unlink()  # no tool can say more of it than before
        shutil.rmtree(broken)
    theirs = unrendered | failing(chain, rendered)
    missed = sorted(theirs - mine)
    share = [f"{len(defects)} seeded defects: the gate finds {len(mine)}, the usual chain {len(theirs)}"]
    share += [f"the gate misses {name}, which the chain finds" for name in missed]
    share += [f"neither finds {defect.id}" for defect in defects if defect.id not in mine | theirs]
    names = "seeded defects that the chain finds and the gate does not"
    lost = [float(len(defects) - len(mine))]
    return [
        Figure(name=names, unit="defects", samples=[float(len(missed))], target=0),
        Figure(name="seeded defects that the gate does not find", unit="defects", samples=lost, target=0),
    ], share


def failing(chain: gate_chain.Chain, rendered: Path) -> set[str]:
    """Return the defects (folders of ``rendered``) of which a tool says more than of the unbroken repository."""
    said: dict[str, set[tuple[str, str]]] = {}
    for folder in rendered.iterdir():
        said[folder.name] = {("kubernetes-validate", text) for text in chain.objections(folder)}
    scan = chain.scan(rendered)
    for failure in scan.failures:
        said.setdefault(failure.file.split("/")[0], set()).add((failure.check, failure.resource))
    for file in scan.unread:
        said.setdefault(file.strip("/").split("/")[0], set()).add(("checkov", "unread"))
    known = said.pop("unbroken", set())
    return {defect for defect, found in said.items() if found - known}


def _errors(report: Report) -> Iterable[Finding]:
    return (finding for finding in report.findings if finding.severity == "error")
