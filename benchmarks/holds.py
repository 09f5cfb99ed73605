"""Holds over HTTP on one hot item: one region's order service, one process, against the usual single locked row.

Both run the same service on the same PostgreSQL, durable as it is by default, one after the other, in turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import psutil

from benchmarks.buyers import Asking, Outcome, ask
from benchmarks.record import ROOT, Figure, Record, machine, save

SECONDS, WARM_SECONDS, RUNS = 15.0, 2.0, 3
RATE = 2000.0
"""Holds a second to reach."""
BUYERS = 128
"""Viewers with a session and a connection each, who ask again as soon as they have an answer."""
RATIO = 3.0
STOCK = 10_000_000
BINARIES = Path("/usr/lib/postgresql/15/bin")
SERVERS = {"batches over buckets": "onair_common.serve", "one locked row": "benchmarks.single_row"}
ENVIRONMENT = {
    "SERVICE_NAME": "order",
    "REGION": "kr",
    "CLUSTER": "local-kr",
    "PEER": "local-us",
    "CURRENCY": "KRW",
    "LOCALE": "ko-KR",
    "TIMEZONE": "Asia/Seoul",
    "SESSION_KEYS": "s" * 44,
    "PEER_KEY": "p" * 44,
    "PAYMENT_KEY": "c" * 44,
    "DRAIN_SECONDS": "0",
}


def run(seconds: float = SECONDS, runs: int = RUNS) -> Record:
    """Measure both services ``runs`` times for ``seconds``, in turns."""
    before, details = machine(), list[str]()
    rates: dict[str, list[float]] = {name: [] for name in SERVERS}
    processor: dict[str, list[float]] = {name: [] for name in SERVERS}
    at_target: list[Outcome] = []
    sys.path[:0] = [str(ROOT / "apps" / name / "src") for name in ("common", "order")]
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder, _postgres(Path(folder)) as port:
        asyncio.run(_prepare(port))
        for _ in range(runs):
            for name, module in SERVERS.items():
                with _service(module, port) as (http, process):
                    ask(_asking(http, WARM_SECONDS))
                    spent = sum(process.cpu_times()[:2])
                    found = ask(_asking(http, seconds))
                    spent = sum(process.cpu_times()[:2]) - spent
                    rates[name].append(found.rate)
                    processor[name].append(1000 * spent / max(found.ok, 1))
                    details.append(f"{name}, {BUYERS} at once: {found}")
                    if module == SERVERS["batches over buckets"]:
                        at_target.append(ask(_asking(http, seconds, RATE)))
                        details.append(f"{name}, {RATE:g}/s offered: {at_target[-1]}")
        details.append(asyncio.run(_check(port)))
    ours, usual = (rates[name] for name in SERVERS)
    figures = [
        # A rate has a lower bound; the record knows upper ones: hence milliseconds a hold and the inverse ratio.
        Figure(
            name="hold, most", unit="ms each", samples=[1000 / r for r in ours], target=1000 / RATE, judged="median"
        ),
        Figure(name="holds, most", unit="/s", samples=ours),
        Figure(name="holds, one locked row, most", unit="/s", samples=usual),
        Figure(
            name="one locked row to batches over buckets",
            unit="part",
            samples=[u / o for u, o in zip(usual, ours, strict=True)],
            target=1 / RATIO,
            judged="median",
        ),
        *(Figure(name=f"{n}: service's processor", unit="ms a hold", samples=s) for n, s in processor.items()),
        Figure(name=f"answer at {RATE:g}/s, p99", unit="ms", samples=[r.p99 for r in at_target]),
    ]
    return save("holds", figures, before, details)


def _asking(port: int, seconds: float, rate: float | None = None) -> Asking:
    from onair_common.identity import COOKIE, Sessions, Viewer  # noqa: PLC0415  on the path from `run` on

    sessions = Sessions([ENVIRONMENT["SESSION_KEYS"]])
    body, heads = json.dumps({"sale": "hot", "sku": "TEA-40", "quantity": 1}).encode(), list[bytes]()
    for number in range(BUYERS):
        viewer = Viewer(f"{number:032x}", "bench", "viewer", int(time.time()) + 3600)
        headers = {
            "host": f"127.0.0.1:{port}",
            "cookie": f"{COOKIE}={sessions.issue(viewer)}",
            "x-csrf-token": sessions.csrf(viewer),
            "content-type": "application/json",
            "content-length": str(len(body)),
            "idempotency-key": "{key}",
        }
        lines = ["POST /api/order/holds HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        heads.append("\r\n".join([*lines, "", ""]).encode())
    return Asking(port, ENVIRONMENT["REGION"], heads, body, seconds, rate)


@contextmanager
def _postgres(folder: Path) -> Iterator[int]:
    """Run Debian's PostgreSQL on a free loopback port, as durable as it is by default."""
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    if as_user:
        folder.chmod(0o755)
    home = folder / "pg"
    home.mkdir()
    if as_user:
        shutil.chown(home, "postgres", "postgres")
    port = _free_port()
    initdb = [*as_user, str(BINARIES / "initdb"), "-D", str(home / "data"), "-A", "trust", "-U", "onair", "-E", "UTF8"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/")
    server = subprocess.Popen(
        [*as_user, BINARIES / "postgres", "-D", home / "data", "-p", str(port), "-k", home, "-h", "127.0.0.1"],
        cwd="/",
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.send_signal(2)  # fast shutdown
        server.wait(60)


async def _prepare(port: int) -> None:
    """Migrate the database and open one sale."""
    from onair_common import migrate, migrations  # noqa: PLC0415
    from onair_common.database import Database  # noqa: PLC0415
    from order import stock  # noqa: PLC0415

    for _ in range(100):
        try:
            connection = await asyncpg.connect(host="127.0.0.1", port=port, user="onair", database="postgres")
            break
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.1)
    await migrate.apply(connection, migrations.load("order"))
    closes = datetime.now(UTC) + timedelta(days=1)
    sale = stock.Sale("hot", "show", "TEA-40", "kr", STOCK, closes, 39000, "KRW")
    await connection.close()
    database = Database(1, host="127.0.0.1", port=port, user="onair", database="postgres")
    async with database.transaction() as holder:
        await stock.issue(holder, sale, "kr", {"kr": STOCK})
    await database.close()


async def _check(port: int) -> str:
    """Say what the database holds afterwards; a unit too many or too few is an error of the measured code."""
    connection = await asyncpg.connect(host="127.0.0.1", port=port, user="onair", database="postgres")
    held = await connection.fetchval("SELECT sum(quantity) FROM holds")
    left = await connection.fetchval("SELECT sum(available) FROM allotments")
    await connection.close()
    if held + left != STOCK:
        raise RuntimeError(f"{held} held and {left} left of {STOCK}")
    return f"afterwards {held} units are held and {left} left: all {STOCK} of them"


@contextmanager
def _service(module: str, postgres: int) -> Iterator[tuple[int, psutil.Process]]:
    port = _free_port()
    paths = [str(ROOT), str(ROOT / "apps/common/src"), str(ROOT / "apps/order/src")]
    environment = {
        **ENVIRONMENT,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(paths),
        "PORT": str(port),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres),
        "PGUSER": "onair",
        "PGDATABASE": "postgres",
    }
    process = subprocess.Popen([sys.executable, "-m", module], env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
