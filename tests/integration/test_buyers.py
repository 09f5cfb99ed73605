"""The holds' benchmark counts what it was answered, and what it was not."""

from __future__ import annotations

import asyncio

import pytest
from benchmarks.buyers import Asking, ask
from faulty_server import Serve, good

pytestmark = pytest.mark.integration
HEAD = b"POST /holds HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nidempotency-key: {key}\r\n\r\n"


def asking(port: int, rate: float | None = None, buyers: int = 3) -> Asking:
    return Asking(port, "kr", [HEAD] * buyers, b"{}", 0.5, rate)


def test_good_answers_are_counted_once(serve: Serve) -> None:
    server = serve(good)
    found = ask(asking(server.port))
    assert found.failed == 0
    assert 0 < found.ok == len(found.times)
    assert found.ok <= server.requests <= found.ok + 3, "what came after the end is no throughput"
    assert server.connections == 3
    assert found.rate == found.ok / found.seconds


def test_refusals_and_lost_connections_are_failures(serve: Serve) -> None:
    async def by_turns(number: int, _: int, writer: asyncio.StreamWriter) -> bool:
        if number < 4:
            writer.write(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")
        return number < 4

    found = ask(asking(serve(by_turns).port, buyers=1))
    assert (found.ok, found.failed) == (0, 5)


def test_a_schedule_is_kept_to_and_what_it_leaves_is_told(serve: Serve) -> None:
    assert ask(asking(serve(good).port, rate=20)).ok <= 11

    async def slow(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.2)
        return await good(0, 0, writer)

    found = ask(asking(serve(slow).port, rate=100, buyers=1))
    assert found.ok < 10
    assert found.late > 10
