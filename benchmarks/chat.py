"""Chat under a full house: 1,000 viewers and 100 messages a second, in one room and in ten, on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, Figure, Record, machine, save

VIEWERS, RATE, P99_MS = 1000, 100.0, 250.0
NAIVE = "naive (one subscription a socket), ten rooms"
KEYS = "benchmark-" * 4
PATH = "/api/chat/rooms/ROOM/socket"
SOURCES = [str(ROOT / "apps" / name / "src") for name in ("common", "chat")]
ENV = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(SOURCES)}
SERVICE = {
    "SERVICE_NAME": "chat",
    "REGION": "kr",
    "CLUSTER": "local-kr",
    "PEER": "local-us",
    "CURRENCY": "KRW",
    "LOCALE": "ko-KR",
    "TIMEZONE": "Asia/Seoul",
    "SESSION_KEYS": KEYS,
    "PEER_KEY": KEYS,
    "CATALOG_URL": "http://127.0.0.1:9",
}


def run(seconds: float = 10.0, runs: int = 3) -> Record:
    """Measure chat in one room of all viewers and in ten, and the naive version in ten, by turns."""
    before, details = machine(), list[str]()
    cases = (("chat, one room", "chat", 1), ("chat, ten rooms", "chat", 10), (NAIVE, "naive", 10))
    found: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in cases}
    for _ in range(runs):
        for name, service, rooms in cases:
            found[name].append(_measure(service, rooms, seconds))
            details.append(f"{name}: {_told(found[name][-1])}")
    figures = []
    for name, service, _ in cases:
        p99 = [each["p99"] for each in found[name]]
        target = P99_MS if service == "chat" else None
        figures.append(Figure(name=f"{name}: p99 from said to heard", unit="ms", samples=p99, target=target))
        figures.append(Figure(name=f"{name}: server", unit="cores", samples=[each["cores"] for each in found[name]]))
        wrong = [float(each["missing"] + each["lost"]) for each in found[name]]
        figures.append(Figure(name=f"{name}: missing", unit="messages", samples=wrong, target=0 if target else None))
    pairs = list(zip(found["chat, ten rooms"], found[NAIVE], strict=True))
    late = [chat["p99"] / naive["p99"] for chat, naive in pairs]
    cost = [_cost(chat) / _cost(naive) for chat, naive in pairs]
    figures.append(Figure(name="ten rooms: p99, chat to naive", unit="ratio", samples=late, target=0.5))
    figures.append(
        Figure(name="ten rooms: processor time a delivery, chat to naive", unit="ratio", samples=cost, target=0.5)
    )
    plan = (
        f"{VIEWERS} viewers, {RATE:g} messages/s over the rooms, {seconds:g} s; one pod, load in a process of its own"
    )
    return save("chat", figures, before, [*details, plan])


def _cost(result: dict[str, Any]) -> float:
    return float(result["cores"] / max(1, result["deliveries"]))


def _measure(service: str, rooms: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder, _valkey(folder) as url:
        port = _free_port()
        with _server(service, port, url, folder) as server:
            plan = {
                "port": port,
                "server": server,
                "path": PATH,
                "cookies": _cookies(),
                "rooms": rooms,
                "rate": RATE,
                "seconds": seconds,
            }
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.chat_load"],
                input=json.dumps(plan),
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
                timeout=seconds + 120,
            )
            if done.returncode:
                raise RuntimeError(f"load on {service}: {done.stderr[-2000:]}")
            result: dict[str, Any] = json.loads(done.stdout)
            return result


def _told(result: dict[str, Any]) -> str:
    keys = ("said", "deliveries", "missing", "lost", "p50", "p99", "max", "cores")
    return ", ".join(f"{key} {result[key]:.4g}" for key in keys)


def _cookies() -> list[str]:
    sys.path[:0] = [source for source in SOURCES if source not in sys.path]
    from onair_common.identity import COOKIE, Sessions, Viewer  # noqa: PLC0415  a service's package, not the tool's

    sessions, until = Sessions([KEYS]), int(time.time()) + 3600
    return [f"{COOKIE}={sessions.issue(Viewer(f'{n:032x}', f'viewer {n}', 'viewer', until))}" for n in range(VIEWERS)]


@contextmanager
def _server(service: str, port: int, url: str, folder: str) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.chat_naive", str(port)]
    if service == "chat":
        command = [sys.executable, "-m", "onair_common.serve"]
    env = ENV | SERVICE | {"PORT": str(port), "VALKEY_URL": url}
    with (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    try:
        _await(port)
        time.sleep(1)
        yield process.pid
    finally:
        process.kill()
        process.wait()


@contextmanager
def _valkey(folder: str) -> Iterator[str]:
    port = _free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        _await(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def _await(port: int, limit: float = 30.0) -> None:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
