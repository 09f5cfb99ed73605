"""The real Envoy with the edge's configuration, in front of two dummy regions on loopback addresses."""

import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from onair.adapters.edge import EdgeAdmin, envoy_program, write_config
from onair.adapters.facts_file import read
from onair.core.edge import EdgeFiles, arguments, bootstrap
from onair.core.edge_routes import EdgeChoice, parse_choice
from onair.core.edge_upstream import EdgeRegion
from onair.core.facts_edge import Edge
from onair.core.finding import OnairError

HOST = "shop.onair.test"
ROOT = Path(__file__).parents[1]
NODES = {"kr": ["127.61.0.21", "127.61.0.22"], "us": ["127.62.0.21", "127.62.0.22"]}
SLACK_SECONDS = 3.0
"""For a machine that is busy with other tests."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass
class World:
    """The edge, its regions as processes, and a viewer."""

    edge: Edge
    files: EdgeFiles
    processes: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)

    @property
    def admin(self) -> EdgeAdmin:
        return EdgeAdmin(self.files.admin)

    def ready(self) -> bool:
        try:
            return self.admin.ready()
        except OnairError:  # not listening yet
            return False

    def up(self, region: str) -> None:
        command = [sys.executable, str(ROOT / "tests/dummy_region.py"), region]
        command += [
            str(self.edge.gateway_node_port),
            str(self.files.certificate),
            str(self.files.key),
            *NODES[region],
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        self.processes[region] = process

    def lose(self, region: str) -> None:
        """Its ports refuse connections from now on."""
        self.processes[region].kill()
        self.processes[region].wait()

    def freeze(self, region: str) -> None:
        """It swallows everything and answers nothing."""
        self.processes[region].send_signal(signal.SIGSTOP)

    def thaw(self, region: str) -> None:
        self.processes[region].send_signal(signal.SIGCONT)

    def ask(
        self, path: str = "/", *, port: int = 0, method: str = "GET", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        context = ssl.create_default_context(cafile=self.files.certificate)
        url = f"https://localhost:{port or self.edge.platform_port}{path}"
        return httpx.request(method, url, headers=headers, verify=context, timeout=20)

    def region(self, **headers: str) -> str:
        return str(self.ask(headers=headers).headers.get("x-onair-region"))

    def all_well(self, region: str) -> bool:
        return all(self.admin.region_health()[region].values())

    def all_lost(self, region: str) -> bool:
        return not any(self.admin.region_health()[region].values())


def choice(response: httpx.Response) -> EdgeChoice:
    return parse_choice(response.headers["x-onair-edge"])


def seconds_until(condition: Callable[[], bool], limit: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit, f"not within {limit} s"
        time.sleep(0.05)
    return time.monotonic() - began


def run_world(edge: Edge, certificate: tuple[Path, Path], folder: Path) -> Iterator[World]:
    cert, key = certificate
    files = EdgeFiles(cert, key, cert, folder / "admin.sock", folder / "access.log")
    world = World(edge, files)
    envoy: subprocess.Popen[bytes] | None = None
    try:
        for region in NODES:
            world.up(region)
        targets = [EdgeRegion(f"local-{region}", region, nodes) for region, nodes in NODES.items()]
        write_config(bootstrap(edge, targets, HOST, files), folder / "edge.json", envoy_program())
        envoy = subprocess.Popen([str(envoy_program()), *arguments(folder / "edge.json", edge)])
        seconds_until(world.ready, 15)
        yield world
    finally:
        if envoy is not None:
            envoy.kill()
            envoy.wait()
        for process in world.processes.values():
            process.kill()
            process.wait()


def edge_facts(**health: int) -> Edge:
    facts = read(ROOT).platform.spec.edge
    platform, kr, us, node, rtmp, rtmp_node = free_ports(6)
    changes: dict[str, object] = {
        "platform_port": platform,
        "region_ports": {"local-kr": kr, "local-us": us},
        "gateway_node_port": node,
        "rtmp_port": rtmp,
        "rtmp_node_port": rtmp_node,
        "health_check": facts.health_check.model_copy(update=health),
    }
    return facts.model_copy(update=changes)
