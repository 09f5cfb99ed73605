"""Breaking the local platform on purpose, and no other: one at a time, on a healthy platform, and healed after."""

from __future__ import annotations

import contextlib
import fcntl
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network, ip_address
from urllib.parse import urlsplit

import yaml

from onair.adapters.local import network
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.pods import kill_pod
from onair.core.facts import Environment
from onair.core.finding import Finding, OnairError
from onair.core.status import problems
from onair.core.storm.plan import Fault
from onair.core.storm.result import FaultRecord

PREFIX = "local-"
DOWN = Finding(rule="rehearsal/down", what="nothing runs here", mend="make up")


@contextlib.contextmanager
def rehearsal(local: LocalPlatform) -> Iterator[None]:
    """Hold the platform for one rehearsal; heals every link at the end, whatever happens.

    Raises
    ------
    OnairError
        If a cluster is not local, something is wrong already, or another rehearsal is under way.
    """
    only_local(local)
    if not local.paths.run.is_dir():
        raise OnairError(DOWN)
    with (local.paths.run / "rehearsal.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = "another rehearsal is under way on this platform"
            raise OnairError(Finding(rule="rehearsal/busy", what=what, mend="wait for its end")) from error
        healthy(local)
        try:
            yield
        finally:
            network.ensure(local.topology)


def only_local(local: LocalPlatform) -> None:
    """Refuse clusters that are not this machine's.

    Raises
    ------
    OnairError
        If a cluster is of another environment, or its kubeconfig leads out of the local address pool.
    """
    pool = local.facts.platform.spec.pools.local
    for cluster in local.clusters:
        wrong = ""
        file = local.paths.kubeconfig(cluster.name)
        if cluster.spec.environment is not Environment.LOCAL or not cluster.name.startswith(PREFIX):
            wrong = f"is of {cluster.spec.environment}"
        elif file.exists():
            server = yaml.safe_load(file.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
            wrong = "" if _within(server, pool) else f"has its API server at {server}, outside {pool}"
        if wrong:
            what = f"{cluster.name} {wrong}: only local clusters are broken on purpose"
            raise OnairError(Finding(rule="rehearsal/not-local", what=what))


def _within(url: str, pool: IPv4Network) -> bool:
    try:
        return ip_address(urlsplit(url).hostname or "") in pool
    except ValueError:  # a name: whose, DNS decides
        return False


def healthy(local: LocalPlatform) -> None:
    """Refuse a platform that is down or ailing: what a rehearsal finds there says nothing.

    Raises
    ------
    OnairError
        With everything that is wrong.
    """
    state = local.inspect()
    if not state.services:
        raise OnairError(DOWN)
    found = problems(state.services, state.regions)
    if found:
        raise OnairError(*found)


class Faults:
    """Injects faults at their times, in a thread of its own.

    Parameters
    ----------
    told
        Called with each fault that was injected.
    """

    def __init__(
        self, local: LocalPlatform, faults: Sequence[Fault], seed: int, told: Callable[[FaultRecord], None]
    ) -> None:
        self._local, self._faults, self._told = local, faults, told
        self._draw = random.Random(seed)  # noqa: S311  a repeatable choice, no secret
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)
        self._link = next(link for link in local.topology.links if link.name.startswith("inter-region:"))
        self.done: list[FaultRecord] = []

    def start(self) -> None:
        """Begin to count the time."""
        self._thread.start()

    def stop(self) -> None:
        """Inject nothing more, and heal the network; returns when both are done."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        network.ensure(self._local.topology)

    def _run(self) -> None:
        began = time.monotonic()
        for fault in self._faults:
            if self._stop.wait(max(0.0, began + fault.at - time.monotonic())):
                return
            try:
                outcome, ok = self._inject(fault), True
            except Exception as error:  # one that fails is told, and the others still come
                outcome, ok = str(error), False
            done = FaultRecord(at=time.monotonic() - began, what=str(fault), outcome=outcome, ok=ok)
            self.done.append(done)
            self._told(done)

    def _inject(self, fault: Fault) -> str:
        if fault.kind == "kill":
            return kill_pod(self._local.region(fault.cluster), "shop", fault.service, self._draw)
        if fault.kind == "cut":
            network.cut(self._link)
        else:
            network.ensure(self._local.topology)
        return self._link.name
