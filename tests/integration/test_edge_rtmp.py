"""Where the edge sends publishers: plain TCP, the first region that is well, and no moving while that goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from edge_world import NODES, World, edge_facts, run_world, seconds_until

pytestmark = pytest.mark.integration


class Ingest:
    """A region's RTMP port on each of its nodes: greets with the region's name, then sends back what comes."""

    def __init__(self, region: str, port: int) -> None:
        self.region, self.port = region, port
        self._listening: list[socket.socket] = []
        self._open: list[socket.socket] = []

    def up(self) -> None:
        for node in NODES[self.region]:
            listener = socket.create_server((node, self.port))
            self._listening.append(listener)
            threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def deaf(self) -> None:
        """Take no more connections; those that are there stay."""
        for listener in self._listening:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._listening.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            client.sendall(self.region.encode())
            while data := client.recv(4096):
                client.sendall(data)


@pytest.fixture
def ingests(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[tuple[World, dict[str, Ingest]]]:
    edge = edge_facts(interval_seconds=1, timeout_seconds=1)
    regions = {name: Ingest(name, edge.rtmp_node_port) for name in NODES}
    for region in regions.values():
        region.up()
    for world in run_world(edge, certificate, tmp_path):
        yield world, regions
    for region in regions.values():
        region.deaf()


def publish(world: World) -> tuple[socket.socket, str]:
    client = socket.create_connection(("127.0.0.1", world.edge.rtmp_port), 10)
    return client, client.recv(2).decode()


def region(world: World) -> str:
    client, name = publish(world)
    client.close()
    return name


def test_a_publisher_is_cut_off_when_its_region_is_lost_and_comes_back_elsewhere(
    ingests: tuple[World, dict[str, Ingest]],
) -> None:
    world, regions = ingests
    client, name = publish(world)
    assert name == "kr", "the first region, from wherever"
    client.sendall(b"stream")
    assert client.recv(6) == b"stream"

    regions["kr"].deaf()
    client.settimeout(15)
    assert client.recv(1) == b"", "the edge closes what its health checks have given up"
    seconds_until(lambda: region(world) == "us", 10)
    second, name = publish(world)
    assert name == "us"

    regions["kr"].up()
    seconds_until(lambda: region(world) == "kr", 15)
    second.sendall(b"still here")
    assert second.recv(10) == b"still here", "a region that comes back takes nobody away"
    for connection in (client, second):
        connection.close()
    world_log = world.files.access_log
    seconds_until(lambda: '"listener":"rtmp"' in world_log.read_text(), 5)
