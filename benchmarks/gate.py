"""The gate against the usual chain, over the same objects and in the same run; 5,000 objects; one changed leaf."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path

import psutil

from benchmarks import defects, gate_chain, seeds
from benchmarks.record import Figure, Record, machine, save
from onair.core.paths import Paths

RATIO, OBJECTS = 10.0, 5000
SECONDS_5000, MIB_5000, SECONDS_LEAF = 5.0, 500.0, 0.5
MODEL, PER_SERVICE = "web", 9
"""The service that is multiplied, and about how many objects it has on a cluster."""


def run(runs: int = 3) -> Record:
    """Measure each figure ``runs`` times.

    Raises
    ------
    RuntimeError
        If the gate does not run, or finds something in the unbroken copy: a failed check is no measurement.
    """
    before, chain = machine(), gate_chain.Chain()
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder:
        top = Path(folder)
        whole = seeds.committed(top / "whole")
        figures, details = race(chain, whole, top, runs)
        figures += warm_leaf(whole, top, runs)
        figures += many(top, runs)
    return save("gate", figures, before, details)


def race(chain: gate_chain.Chain, whole: Path, top: Path, runs: int) -> tuple[list[Figure], list[str]]:
    """Time the usual chain and ``onair check`` in turn over the whole repository, nothing cached."""
    slow, quick, ratios, details = list[float](), list[float](), list[float](), list[str]()
    for number in range(runs):
        rendered = top / f"chain-{number}"
        slow.append(timed(lambda rendered=rendered: usual(chain, whole, rendered)))  # type: ignore[misc]
        quick.append(command(whole, top / f"cold-{number}")[0])
        ratios.append(quick[-1] / slow[-1])
        details = [f"the chain renders {len(list(rendered.rglob('*.yaml')))} leaves; the gate follows charts too"]
    return [
        Figure(name="whole repository, cold: usual chain", unit="s", samples=slow),
        Figure(name="whole repository, cold: onair check", unit="s", samples=quick),
        Figure(name="onair check / usual chain", unit="ratio", samples=ratios, target=1 / RATIO, judged="median"),
    ], details


def usual(chain: gate_chain.Chain, root: Path, target: Path) -> None:
    """Do what people do: render every leaf, then let two tools look at the files."""
    for leaf in gate_chain.leaves(root):
        if not chain.render(root, leaf, target / f"{leaf}.yaml"):
            raise RuntimeError(f"{leaf} does not render")
    chain.validate(target)
    chain.scan(target)


def warm_leaf(whole: Path, top: Path, runs: int) -> list[Figure]:
    """Time ``onair check`` of the change after one leaf was edited, from process start to exit."""
    cache, samples = top / "warm", list[float]()
    command(whole, cache)
    leaf = whole / f"clusters/local-kr/apps/{MODEL}/kustomization.yaml"
    kept = leaf.read_text(encoding="utf-8")
    for number in range(max(5, runs)):
        leaf.write_text(kept.replace("sha256:", f"sha256:{number:08x}", 1).replace(_tail(kept), "", 1), "utf-8")
        samples.append(command(whole, cache, "--base", "HEAD")[0])
    leaf.write_text(kept, encoding="utf-8")
    return [Figure(name="one changed leaf, warm", unit="s", samples=samples, target=SECONDS_LEAF, judged="median")]


def _tail(text: str) -> str:
    """Return the first eight digits of the leaf's digest, which others take the place of."""
    return text.partition("sha256:")[2][:8]


def many(top: Path, runs: int) -> list[Figure]:
    """Time 5,000 objects: rendered and judged from nothing, and rendered before but judged from nothing."""
    estate = seeds.committed(top / "many")
    multiply(estate, OBJECTS - defects.check(estate, top / "warm/gate").checked.objects)
    cold, judged, memory = list[float](), list[float](), list[float]()
    cache = top / "many-cache"
    for _ in range(runs):
        shutil.rmtree(cache, ignore_errors=True)
        cold.append(command(estate, cache, clean=False)[0])
        forget_verdicts(cache)
        judged.append(command(estate, cache, clean=False)[0])
        forget_verdicts(cache)
        memory.append(command(estate, cache, clean=False, watch=True)[1])
    count = defects.check(estate, cache / "gate").checked.objects
    return [
        Figure(name=f"{count:,} objects: rendered and judged", unit="s", samples=cold),
        Figure(name=f"{count:,} rendered objects: judged", unit="s", samples=judged, target=SECONDS_5000),
        Figure(name=f"{count:,} rendered objects: memory", unit="MiB", samples=memory, target=MIB_5000),
    ]


def forget_verdicts(cache: Path) -> None:
    """Take away what was found of Applications, of single objects and by rules; what was rendered stays."""
    for area in ("verdicts", "clean"):
        for remembered in (cache / "gate").rglob(area):
            shutil.rmtree(remembered)


def multiply(root: Path, objects: int) -> None:
    """Add copies of one service to every cluster until there are about ``objects`` more."""
    clusters = sorted(path.parent.parent.name for path in root.glob("clusters/*/facts/cluster.yaml"))
    for number in range(ceil(objects / (PER_SERVICE * len(clusters)))):
        name = f"{MODEL}{number:03}"
        _renamed(root / f"apps/{MODEL}/base", root / f"apps/{name}/base", name)
        for cluster in clusters:
            _renamed(root / f"clusters/{cluster}/apps/{MODEL}", root / f"clusters/{cluster}/apps/{name}", name)
    seeds.commit(root, "Many")


def _renamed(source: Path, target: Path, name: str) -> None:
    target.mkdir(parents=True)
    for file in source.iterdir():
        text = file.read_text(encoding="utf-8").replace(f"name: {MODEL}", f"name: {name}")
        text = text.replace(f"/{MODEL}", f"/{name}").replace(f"Service: {MODEL}", f"Service: {name}")
        (target / file.name).write_text(text, encoding="utf-8")


def timed(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes, in seconds."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def command(root: Path, cache: Path, *words: str, clean: bool = True, watch: bool = False) -> tuple[float, float]:
    """Run ``onair check`` of the copy at ``root``.

    Returns
    -------
    tuple
        Seconds from process start to exit, and the greatest memory of the process and its children in MiB; 0 without
        ``watch``, for looking takes time from what is timed.

    Raises
    ------
    RuntimeError
        If it could not run, or found something where all is ``clean``.
    """
    settings = environment(root, cache)
    began, most = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as output:  # a pipe that nobody reads would hold up what prints much
        words = sys.executable, "-m", "onair", "check", *words
        with subprocess.Popen(words, cwd=root, env=settings, stdout=output, stderr=subprocess.STDOUT) as process:
            watched = psutil.Process(process.pid)
            while watch and process.poll() is None:
                most = max(most, _resident(watched))
                time.sleep(0.05)
        seconds = time.monotonic() - began
        output.seek(0)
        said = output.read()
    if process.returncode > int(not clean):
        raise RuntimeError(f"{' '.join(words[2:])} ended with {process.returncode}: {said[-2000:]}")
    return seconds, most / 2**20


def environment(root: Path, cache: Path) -> dict[str, str]:
    """Return the environment in which the copy at ``root`` runs, with a cache of its own."""
    for shared in ("bin", "mirrors"):  # programs and upstream's manifests: as old as the machine, for both contestants
        if not (cache / shared).is_symlink():
            cache.mkdir(parents=True, exist_ok=True)
            (cache / shared).symlink_to(Paths.of().cache / shared)
    made = {**os.environ, "PYTHONPATH": str(root / "scripts"), "ONAIR_CACHE": str(cache)}
    made.pop("PYTHONDONTWRITEBYTECODE", None)  # where a build sets it, every module is compiled at each start
    return made


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss  # what a copy of the process shares with it counts once
    except psutil.Error:
        pass  # it has just ended
    return total
