"""What several integration tests share."""

from collections.abc import Iterator

import pytest
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
