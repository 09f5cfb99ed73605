"""What several integration tests share."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from edge_world import HOST
from faulty_server import Handler, Serve, Server


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that answer as their handlers say."""
    servers: list[Server] = []

    def start(handler: Handler) -> Server:
        server = Server(handler)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of the edge in tests."""
    folder = tmp_path_factory.mktemp("tls")
    names = f"subjectAltName=DNS:localhost,DNS:{HOST}"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += [
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-subj",
        "/CN=edge test",
        "-addext",
        names,
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def volume() -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter; pytest's own are for their owner only."""
    made = Path("/tmp") / f"onair-start-{os.getpid()}"  # noqa: S108  short: it holds the server's socket
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)
