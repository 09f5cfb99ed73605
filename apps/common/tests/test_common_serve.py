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
def running(tmp_path: Path, region_env: dict[str, dict[str, str]]) -> Iterator[Running]:
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe/app.py").write_text(SERVICE)
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
