"""Two origins as processes, each relaying the other, and viewers that ask them over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from edge_world import free_ports

ROOT = Path(__file__).parents[1]
KEYS = {channel: f"{channel}-" + 8 * "key" for channel in ("kr", "us")}
T = TypeVar("T")
PUBLISHED = re.compile(r"^[0-9a-f]{16}-\d+\.m4s$", re.M)
PATIENCE = 60.0
"""For a busy machine; figures belong to benchmarks/ and to the running regions."""


def until(what: str, done: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Wait until something is there, and true; returns it."""
    limit = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < limit, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
    return found


def number(name: str) -> int:
    """Return the number of a published segment."""
    return int(name.partition("-")[2].removesuffix(".m4s"))


@dataclass
class Region:
    """One region's origin."""

    name: str
    environment: dict[str, str]
    http: int
    rtmp: int
    log: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "onair_common.serve"]
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))
        until(f"{self.name} is ready", self._ready)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.processes[-1].send_signal(number)
        return self.processes[-1].wait(30)

    def url(self, channel: str, key: str | None = None) -> str:
        return f"rtmp://127.0.0.1:{self.rtmp}/live/{key or KEYS[channel]}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.http}/{path}", headers=headers, timeout=10, trust_env=False)

    def playlist(self, channel: str) -> str:
        return self.get(f"video/{channel}/index.m3u8").text

    def role(self, channel: str) -> tuple[str, str, bool]:
        found = self.get("video/status").json()["channels"]
        return next((c["role"], c["source"], c["live"]) for c in found if c["channel"] == channel)

    def published(self, channel: str, whole: int = 2) -> list[str]:
        """The names of a publication's segments that are listed as whole, once there are so many."""

        def look() -> list[str] | None:
            found = PUBLISHED.findall(self.playlist(channel))
            return found if len(found) >= whole else None

        return until(f"{self.name} shows {whole} segments of {channel}", look)

    def other(self, channel: str, *known: str) -> str:
        """The name of a segment of a publication that is none of those known, once there is one."""

        def look() -> str | None:
            return next((n for n in PUBLISHED.findall(self.playlist(channel)) if n[:16] not in known), None)

        return until(f"{self.name} shows another publication of {channel}", look)

    def metric(self, name: str, **labels: str) -> float:
        wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
        found = re.search(rf"^{name}\{{{wanted}\}} (\S+)$", self.get("metrics").text, re.M)
        return float(found[1]) if found else 0.0

    def lines(self, **fields: str) -> list[dict[str, Any]]:
        """The log's lines that have these fields."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if all(line.get(name) == value for name, value in fields.items())]

    def _ready(self) -> bool:
        assert self.processes[-1].poll() is None, self.log.read_text()[-2000:]
        try:
            return self.get("readyz").status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def two_regions(clips: Path, folder: Path, region_env: dict[str, dict[str, str]]) -> Iterator[dict[str, Region]]:
    """Start both, and leave none running."""
    ports = free_ports(4)
    http = {"kr": ports.pop(), "us": ports.pop()}
    regions = {}
    for name, other in (("kr", "us"), ("us", "kr")):
        rtmp = ports.pop()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}/apps/common/src:{ROOT}/apps/origin/src",
            "SERVICE_NAME": "origin",
            "CLIPS": str(clips),
            "PORT": str(http[name]),
            "RTMP_PORT": str(rtmp),
            "PEER_ORIGINS": f"http://127.0.0.1:{http[other]}",
            "DRAIN_SECONDS": "1",
            **{f"STREAM_KEY_{channel.upper()}": key for channel, key in KEYS.items()},
            **region_env[name],
        }
        regions[name] = Region(name, environment, http[name], rtmp, folder / f"{name}.log")
    try:
        for region in regions.values():
            region.start()
        yield regions
    finally:
        for region in regions.values():
            for process in region.processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
