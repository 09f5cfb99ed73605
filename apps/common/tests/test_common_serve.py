"""The server as a process: it starts, drains at SIGTERM without failing a kept-alive client, and stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.integration
DRAIN = 1.5
SERVICE = """
from onair_common.asgi import health_routes
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

def create(settings, lifecycle):
    async def ready():
        return None
    return Starlette(routes=[Route("/", lambda _: PlainTextResponse("hello")), *health_routes(lifecycle, ready)])
"""


@dataclass
class Running:
    process: subprocess.Popen[str]
    base: str


@pytest.fixture
def service() -> str:
    return SERVICE


@pytest.fixture
def running(tmp_path: Path, region_env: dict[str, dict[str, str]], service: str) -> Iterator[Running]:
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe/app.py").write_text(service)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = Path(__file__).parents[1] / "src"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{common}:{tmp_path}", "SERVICE_NAME": "probe", "PORT": str(port)}
    env |= {"DRAIN_SECONDS": str(DRAIN), **region_env["kr"]}
    command = [sys.executable, "-m", "onair_common.serve"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    base = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            httpx.get(f"{base}/healthz", trust_env=False)
            break
        except httpx.ConnectError:
            time.sleep(0.05)
    try:
        yield Running(process, base)
    finally:
        process.kill()
        process.wait()


def test_drains_then_stops(running: Running) -> None:
    with httpx.Client(base_url=running.base, trust_env=False) as kept_alive:
        assert "connection" not in kept_alive.get("/").headers
        told = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        answers = []
        while time.monotonic() < told + DRAIN - 0.3:
            answers.append(kept_alive.get("/"))
            time.sleep(0.02)
        assert {(a.status_code, a.headers.get("connection")) for a in answers} == {(200, "close")}
        assert kept_alive.get("/readyz").status_code == 503
    assert running.process.wait(10) in (0, -signal.SIGTERM)
    took = time.monotonic() - told
    assert DRAIN <= took < DRAIN + 3
    output = running.process.stdout
    assert output is not None
    lines = [json.loads(line) for line in output]
    assert any(line["event"] == "draining" for line in lines)
    assert {line["route"] for line in lines if line["event"] == "request"} == {"/"}


def test_a_second_signal_stops_at_once(running: Running) -> None:
    told = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(5)
    assert time.monotonic() - told < DRAIN


def test_a_missing_setting_is_one_line() -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    command = [sys.executable, "-m", "onair_common.serve"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "SERVICE_NAME: not set" in done.stderr


SOCKETS = """
from onair_common.asgi import health_routes
from onair_common.websocket import WRITER, WebSocketOptions, text_frame
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

WEBSOCKETS = WebSocketOptions(max_size=64, ping_seconds=0.2)

def create(settings, lifecycle):
    async def ready():
        return None

    async def socket(ws):
        await ws.accept()
        lifecycle.on_drain.append(lambda: ws.scope["extensions"][WRITER].write_frames(text_frame(b"drain")))
        async for text in ws.iter_text():
            ws.scope["extensions"][WRITER].write_frames(text_frame(text.encode()) * 2)

    return Starlette(routes=[WebSocketRoute("/ws", socket), *health_routes(lifecycle, ready)])
"""


@pytest.mark.parametrize("service", [SOCKETS], ids=["sockets"])
def test_sockets_share_frames_hear_of_the_drain_and_are_closed_at_its_end(running: Running) -> None:
    with connect(running.base.replace("http", "ws") + "/ws", proxy=None, ping_interval=None) as socket:
        socket.send("안녕" * 5)
        assert [socket.recv(5), socket.recv(5)] == ["안녕" * 5] * 2
        time.sleep(0.6)  # pings are answered while nothing is said
        told = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert socket.recv(5) == "drain"
        assert time.monotonic() - told < 1
        with pytest.raises(ConnectionClosed) as end:
            socket.recv(10)
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1012
    assert running.process.wait(10) in (0, -signal.SIGTERM)
    assert DRAIN <= time.monotonic() - told < DRAIN + 3


@pytest.mark.parametrize("service", [SOCKETS], ids=["sockets"])
def test_a_message_that_is_too_large_closes_its_socket(running: Running) -> None:
    with connect(running.base.replace("http", "ws") + "/ws", proxy=None) as socket:
        socket.send("x" * 65)
        with pytest.raises(ConnectionClosed) as end:
            socket.recv(5)
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1009


def test_a_service_without_sockets_takes_none(running: Running) -> None:
    with pytest.raises(InvalidStatus):
        connect(running.base.replace("http", "ws") + "/", proxy=None)
