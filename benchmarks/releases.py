"""Releases under load: every service by its own strategy, and a plain Deployment of the same container."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_hex

from benchmarks import plain
from benchmarks.record import Figure, Record, machine, save
from benchmarks.regions import api_of, clone, digest_of, edge, load_of, pods_of, push, release, rollout_of, strategy_of
from onair.adapters import kube_api
from onair.adapters.kube_api import KubeApi
from onair.adapters.kubectl import wait
from onair.core import status
from onair.core.leaf import Leaf, digest

CLUSTER = "local-kr"
RATE, SECONDS, LIMIT_SECONDS = 80.0, 90.0, 480.0
"""Requests a second; how long a load lasts at least, and a release at most.

Two processors carry little more: at 200 both were used up, and a good release was taken back, for nobody
answered its own questions.
"""
STEADY_SECONDS = 5.0
LEAST = 100_000
SAME = "catalog"
PLAIN = "plain Deployment (no preStop, no graceful stop)"
POLL_SECONDS = 0.5
SMOKE = "onair.dev/smoke"
"""Annotation with a path that the service answers without anything else; a service that answers nobody has none."""


@dataclass
class Found:
    """What releases gave: failed requests, requests, and seconds from the push until the new version alone ran."""

    failed: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Race:
    """Releases under load, by what is released; ``details`` has a line of each."""

    rate: float
    found: dict[str, Found] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)

    def measure(self, what: str, url: str, deliver: Callable[[], None]) -> None:
        """Release something under load.

        Raises
        ------
        RuntimeError
            If the client cannot keep up: then nothing is measured.
        """
        with load_of(url, self.rate, LIMIT_SECONDS) as load:
            time.sleep(STEADY_SECONDS)
            began = time.monotonic()
            deliver()
            took = time.monotonic() - began
            time.sleep(max(STEADY_SECONDS, SECONDS - took))
            result = load.stop()
        outcomes = ", ".join(f"{name} {seen.count}" for name, seen in sorted(result.outcomes.items()))
        client = ", ".join(result.saturated) or "keeps up"
        p99 = f"p99 {result.ok_response.p99:.0f} ms"
        self.details.append(f"{what}: {outcomes}; {p99}; versions seen: {len(result.versions)}; client: {client}")
        print(f"  {took:.0f} s, {self.details[-1]}", flush=True)
        if result.not_sent > result.due / 100:
            raise RuntimeError(
                f"{what}: {result.not_sent} of {result.due} requests were never sent: too busy a machine"
            )
        into = self.found.setdefault(what, Found())
        into.failed.append(result.failed)
        into.sent.append(result.sent)
        into.seconds.append(took)


def run(runs: int = 3, rate: float = RATE) -> Record:
    """Release every service of a region ``runs`` times; the served branch is put back afterwards.

    Raises
    ------
    OnairError
        If a release is not through within the limit.
    RuntimeError
        If the client cannot keep up.
    """
    before, api = machine(), api_of(CLUSTER)
    smokes = {
        each["metadata"]["name"]: (strategy_of(each), each["metadata"]["annotations"][SMOKE])
        for each in api.items(kube_api.ROLLOUTS)
        if SMOKE in each["metadata"].get("annotations", {})
    }
    race = Race(rate)
    with clone() as folder, plain.Deployment(api, SAME) as deployment:
        for _ in range(runs):
            for name, (strategy, path) in smokes.items():
                _prepare(folder, name)
                race.measure(f"{name}, {strategy}", edge(CLUSTER) + path, partial(_deliver, folder, api, name))
            race.measure(PLAIN, deployment.address + smokes[SAME][1], deployment.restart)
    peer = race.found.pop(PLAIN)
    sent = sum(sum(each.sent) for each in race.found.values())
    figures = [
        *(Figure(name=f"{x}: failed", unit="requests", samples=y.failed, target=0) for x, y in race.found.items()),
        Figure(name=f"{PLAIN}: failed", unit="requests", samples=peer.failed),
        *(Figure(name=f"{x}: to the new version alone", unit="s", samples=y.seconds) for x, y in race.found.items()),
        Figure(name=f"{PLAIN}: to the new version alone", unit="s", samples=peer.seconds),
        Figure(name="requests short of 100,000", unit="requests", samples=[max(0.0, LEAST - sent)], target=0),
    ]
    total = f"{rate:g} requests/s, kept and new connections by turns: {sent:,.0f} in all, the plain Deployment's aside"
    return save("releases", figures, before, [total, *race.details])


def _prepare(folder: Path, service: str) -> None:
    """Commit a version of a service that differs by a word, and its image's digest."""
    main = next((folder / f"apps/{service}/src").glob("*/__init__.py"))
    with main.open("a", encoding="utf-8") as file:
        file.write(f"# Released by a benchmark: {token_hex(4)}.\n")
    release(folder, service, CLUSTER)


def _deliver(folder: Path, api: KubeApi, service: str) -> None:
    """Push, and wait until only the new image runs."""
    leaf = Leaf(CLUSTER, service)
    wanted = digest(leaf, (folder / leaf.path).read_text(encoding="utf-8"))
    push(folder)

    def alone() -> bool | str:
        images = {digest_of(pod) for pod in pods_of(api, service)}
        rollout = status.rollout(rollout_of(api, service))
        return (images == {wanted} and rollout.phase == "Healthy") or f"{', '.join(images)} run; {rollout.message}"

    wait(f"{service} runs {wanted} alone", LIMIT_SECONDS - SECONDS, alone, POLL_SECONDS)
