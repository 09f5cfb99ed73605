"""A storm on two whole regions as processes, with PostgreSQL and Valkey; killed and cut for real."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from onair.adapters.shop import Goods, Seller, Shop
from onair.adapters.storm import run as storm
from onair.adapters.storm.books import Bookkeeper
from onair.core.progress import Silent
from onair.core.purchase import Habits, Shopper
from onair.core.storm.plan import Fault, StormPlan, timeline
from onair.core.storm.report import markdown
from onair.core.storm.result import FaultRecord
from onair_common.identity import COOKIE, Role, Sessions, Viewer

pytestmark = pytest.mark.integration
APPS = Path(__file__).parents[2]
PSQL = "/usr/lib/postgresql/15/bin/psql"
KEYS = "s" * 44
SHARED = {"SESSION_KEYS": KEYS, "PEER_KEY": "p" * 44, "PAYMENT_KEY": "c" * 44, "DRAIN_SECONDS": "0"}
PLAN = StormPlan(
    attempts=240,
    items=60,
    sales=3,
    rate=40.0,
    kills=6,
    cuts=1,
    cut_seconds=2.0,
    viewers=8,
    settle=60.0,
    # A process takes half a minute to start where everybody wants the two processors: buyers here wait for it.
    habits=Habits(never_heard=0.0, loses=0.15, thinks=0.1, bound=180.0),
)


class Link:
    """One direction of the inter-region link: a TCP relay that can be cut."""

    def __init__(self, target: int) -> None:
        self._target, self._open, self.up = target, list[socket.socket](), True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Refuse what comes, and reset what is open."""
        self.up = False
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target)) if self.up else None
                except OSError:
                    far = None
                if far is None:
                    near.close()
                    continue
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@dataclass
class Fleet:
    """The processes of both regions, and the links between them."""

    environment: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    processes: dict[tuple[str, str], subprocess.Popen[bytes]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def start(self, region: str, service: str) -> None:
        command = [sys.executable, "-m", "onair_common.serve"]
        self.processes[region, service] = subprocess.Popen(
            command, env=self.environment[region, service], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def migrate(self, region: str, service: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "onair_common.migrate"],
            env=self.environment[region, service], check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def ready(self, region: str, service: str) -> None:
        address = f"http://127.0.0.1:{self.environment[region, service]['PORT']}/readyz"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if httpx.get(address, trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        pytest.fail(f"{service} of {region} is not ready")

    def stop(self) -> None:
        for link in self.links:
            link.close()
        for process in self.processes.values():
            process.kill()
            process.wait(10)


class Trouble:
    """Kills processes, which are started again as a kubelet would, and cuts the links."""

    def __init__(self, fleet: Fleet, faults: list[Fault]) -> None:
        self._fleet, self._faults = fleet, faults
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.done: list[FaultRecord] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        for link in self._fleet.links:
            link.up = True

    def _run(self) -> None:
        began = time.monotonic()
        for fault in self._faults:
            if self._stop.wait(max(0.0, began + fault.at - time.monotonic())):
                return
            if fault.kind == "kill":
                place = fault.cluster.removeprefix("local-"), fault.service
                self._fleet.processes[place].kill()
                self._fleet.processes[place].wait(10)
                self._fleet.start(*place)
            for link in self._fleet.links:
                if fault.kind == "cut":
                    link.cut()
                elif fault.kind == "heal":
                    link.up = True
            self.done.append(FaultRecord(at=fault.at, what=str(fault), outcome="done"))


@pytest.fixture
async def fleet(
    make_database: Callable[[], Awaitable[dict[str, Any]]],
    valkey_server: Callable[..., str],
    region_env: dict[str, dict[str, str]],
    free_port: Callable[[], int],
) -> AsyncIterator[Fleet]:
    made = Fleet()
    sources = os.pathsep.join(str(path) for path in sorted(APPS.glob("*/src")))
    ports = {(region, service): free_port() for region in region_env for service in ("catalog", "order", "worker")}
    for region, facts in region_env.items():
        databases = {name: await make_database() for name in ("catalog", "order")}
        queue = valkey_server()
        made.links.append(link := Link(ports["us" if region == "kr" else "kr", "order"]))
        for service in ("catalog", "order", "worker"):
            at = databases["catalog" if service == "catalog" else "order"]
            order = f"http://127.0.0.1:{ports[region, 'order']}"
            made.environment[region, service] = {
                **facts,
                **SHARED,
                "PATH": os.environ["PATH"],
                "PYTHONPATH": sources,
                "SERVICE_NAME": service,
                "PORT": str(ports[region, service]),
                "PGHOST": str(at["host"]),
                "PGPORT": str(at["port"]),
                "PGUSER": str(at["user"]),
                "PGDATABASE": str(at["database"]),
                "PEERS": f"http://127.0.0.1:{link.port}",
                "CATALOG_URL": f"http://127.0.0.1:{ports[region, 'catalog']}",
                "CALLBACK_URL": f"{order}/api/order/payments/callback",
                "QUEUE_URL": queue,
            }
    with ExitStack() as stack:
        stack.callback(made.stop)
        for region in region_env:
            for service in ("catalog", "order"):
                made.migrate(region, service)
        for place in made.environment:
            made.start(*place)
        for place in made.environment:
            made.ready(*place)
        yield made


def _session(region: str, who: str, role: Role) -> Shopper:
    sessions, viewer = Sessions([KEYS]), Viewer(who * 32, "nick", role, int(time.time()) + 3600)
    return Shopper(region, f"{COOKIE}={sessions.issue(viewer)}", sessions.csrf(viewer))


def test_nothing_is_sold_twice_or_lost(fleet: Fleet) -> None:
    shops, books = [], []
    for region in ("kr", "us"):
        env = fleet.environment[region, "order"]
        shops.append(Shop(region, f"http://127.0.0.1:{env['PORT']}"))
        database = [f"{name}={env[name]}" for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE")]
        books.append(Bookkeeper(region, ["env", *database, PSQL]))
    seller = _session("kr", "f", "seller")
    trouble = Trouble(fleet, timeline(PLAN, ["local-kr", "local-us"]))
    world = storm.World(
        shops=shops,
        books=books,
        seller=Seller(shops[0], {"cookie": seller.cookie, "x-csrf-token": seller.csrf}),
        shoppers=[_session(region, who, "viewer") for who in "abcd" for region in ("kr", "us")],
        goods=Goods("seoul-table", "TEA-40"),
        trouble=trouble,
    )
    result = storm.run(PLAN, world, Silent())
    assert result.good, (result.verdict, result.arrivals.failures)
    assert result.settled is not None
    assert result.arrivals.due == PLAN.attempts, "an attempt is in no count"
    assert result.attempts > PLAN.attempts / 2, "the client itself was too late for most"
    assert result.arrivals.failed == 0, result.arrivals.failures
    assert len(result.faults) == PLAN.kills + 2 * PLAN.cuts
    # It was a storm: goods went, answers were lost, and the other region was asked for them.
    assert PLAN.items / 2 < result.totals.paid <= PLAN.items
    assert result.totals.lost > 10
    assert result.steps["hold again elsewhere"].ok > 0
    assert result.counts.startswith(f"storm: {result.attempts} attempts at ")
    told = markdown(result, "here")
    assert "| oversold | 0 |" in told
    assert told.count("| kill a pod of ") == PLAN.kills
