"""Releases that answer with errors: how soon they are taken back, and what viewers meet until then."""

from __future__ import annotations

import time
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from benchmarks.record import Figure, Record, machine, save
from benchmarks.regions import (
    api_of,
    clone,
    digest_of,
    edge,
    git,
    load_of,
    pods_of,
    push,
    release,
    rollout_of,
    strategy_of,
)
from onair.adapters.kube_api import KubeApi
from onair.adapters.kubectl import wait
from onair.core import status

CLUSTER = "local-kr"
RATE, LIMIT_SECONDS, POLL_SECONDS = 20.0, 420.0, 0.25
ABORT_SECONDS = 60.0
SETTLED_SECONDS = 5.0


class Bad(NamedTuple):
    """A service, a page of it, and the line before which the bad version fails."""

    service: str
    path: str
    source: str
    line: str


BAD = (
    Bad("web", "/", "apps/web/src/web/front.py", "        lang = lang_of(request)\n        shows, products"),
    Bad(
        "order",
        "/api/order/shows/none/sales",
        "apps/order/src/order/app.py",
        "        found = await stock.sales(self.context.db, self.context.region, show=show)\n",
    ),
)


class Verdict(NamedTuple):
    """One bad release: seconds from its first Ready pod until it was given up, and what the load met.

    ``served`` is until none of its pods was Ready any more: a canary that was given up stops gracefully too.
    ``share`` is of the Ready pods, those of the bad version, at most; ``bound`` the requests that it may have met.
    """

    seconds: float
    served: float
    failed: int
    sent: int
    share: float

    @property
    def bound(self) -> float:
        """Requests that came while the bad version was Ready, times its share of the pods."""
        return RATE * self.served * self.share


def run(runs: int = 3) -> Record:
    """Release a bad version of a blue/green service and of a canary ``runs`` times; the branch is put back afterwards.

    Raises
    ------
    OnairError
        If one is not given up, or the region does not come back.
    """
    before, api = machine(), api_of(CLUSTER)
    figures, details = list[Figure](), list[str]()
    with clone() as folder:
        for bad in BAD:
            verdicts = [_play(folder, api, bad) for _ in range(runs)]
            strategy = strategy_of(rollout_of(api, bad.service))
            name = f"{bad.service}, {strategy}"
            seconds = [each.seconds for each in verdicts]
            figures.append(Figure(name=f"{name}: Ready to given up", unit="s", samples=seconds, target=ABORT_SECONDS))
            if strategy == "blue/green":
                failed = [float(each.failed) for each in verdicts]
                figures.append(Figure(name=f"{name}: failed", unit="requests", samples=failed, target=0))
            else:
                ratios = [each.failed / each.bound for each in verdicts]
                note = "to rate x seconds served x share of the pods; a pod that fails at once is given more"
                figures.append(Figure(name=f"{name}: failed", unit="ratio", samples=ratios, target=1, note=note))
            details += [
                f"{name}: {x.failed} of {x.sent} failed, given up after {x.seconds:.1f} s, served {x.served:.1f} s, "
                f"{x.share:.0%} of the pods"
                for x in verdicts
            ]
    return save("bad_releases", figures, before, [f"{RATE:g} requests/s on the page that fails", *details])


def _play(folder: Path, api: KubeApi, bad: Bad) -> Verdict:
    good = git(folder, "rev-parse", "HEAD")
    file = folder / bad.source
    text = file.read_text(encoding="utf-8")
    if text.count(bad.line) != 1:
        raise RuntimeError(f"{bad.source} is not what this benchmark knows how to break: {bad.line!r}")
    file.write_text(
        text.replace(bad.line, f'        raise RuntimeError("{token_hex(4)}")\n{bad.line}'), encoding="utf-8"
    )
    release(folder, bad.service, CLUSTER)
    running = {digest_of(pod) for pod in pods_of(api, bad.service)}
    begun, shares = list[float](), [0.0]

    def serves() -> bool:
        ready = [digest_of(pod) in running for pod in pods_of(api, bad.service) if status.ready(pod)]
        if not all(ready):
            begun.append(time.monotonic())
            shares.append(ready.count(False) / len(ready))
        return not all(ready)

    def given_up() -> bool:
        return (serves() or bool(begun)) and status.rollout(rollout_of(api, bad.service)).given_up

    with load_of(edge(CLUSTER) + bad.path, RATE, 2 * LIMIT_SECONDS) as load:
        push(folder)
        wait(f"{bad.service} is given up", LIMIT_SECONDS, given_up, POLL_SECONDS)
        seconds = time.monotonic() - begun[0]
        blue_green = strategy_of(rollout_of(api, bad.service)) == "blue/green"
        wait(
            f"{bad.service} is the good version alone", LIMIT_SECONDS, lambda: blue_green or not serves(), POLL_SECONDS
        )
        served = time.monotonic() - begun[0]
        time.sleep(SETTLED_SECONDS)
        result = load.stop()
    git(folder, "revert", "--no-edit", f"{good}..HEAD")
    push(folder)

    def healthy() -> bool:
        return status.rollout(rollout_of(api, bad.service)).phase == "Healthy"

    wait(f"{bad.service} is Healthy", LIMIT_SECONDS, healthy, POLL_SECONDS)
    found = Verdict(seconds, served, result.failed, result.sent, max(shares))
    print(f"  {bad.service}: {found}", flush=True)
    return found
