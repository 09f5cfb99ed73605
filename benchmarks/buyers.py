"""Buyers for a benchmark: kept connections that ask for hold after hold, cheaply: the machine is for the service."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.I)
TICK_SECONDS = 0.001
GRACE_SECONDS = 20.0
"""For what is under way at the end."""


@dataclass
class Outcome:
    """What became of some seconds of asking.

    Attributes
    ----------
    times
        Of good answers, in milliseconds: from when they were due where there was a schedule, else from being sent.
    late
        Requests that a schedule had due, and that no connection was free for before the end.
    cores
        Processor time of the buyers themselves, in seconds a second.
    """

    ok: int = 0
    failed: int = 0
    late: int = 0
    seconds: float = 0.0
    cores: float = 0.0
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.ok / self.seconds

    @property
    def p99(self) -> float:
        """99th percentile of `times`."""
        return statistics.quantiles(self.times, n=100)[98] if len(self.times) > 1 else float("nan")

    def __str__(self) -> str:
        return (
            f"{self.ok} ok, {self.failed} failed, {self.late} not sent, p99 {self.p99:.0f} ms, "
            f"client {self.cores:.2f} cores"
        )


@dataclass(frozen=True)
class Asking:
    """What is asked: to a loopback port, each buyer's head of a request, and the same body with it.

    Attributes
    ----------
    heads
        One a buyer, each on a connection of its own; a key of the region is put in for ``{key}``.
    rate
        Requests a second, whatever the service does; None: each buyer asks again as soon as it has an answer.
    """

    port: int
    region: str
    heads: Sequence[bytes]
    body: bytes
    seconds: float
    rate: float | None = None


class _Buyer(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, crowd: _Crowd, head: bytes) -> None:
        before, _, after = head.partition(b"{key}")
        self._crowd, self._before, self._after = crowd, before, after + crowd.asking.body
        self._transport: Any = None
        self._buffer = b""
        self._due = 0.0
        self.asks = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._crowd.rest(self)

    def ask(self, due: float) -> None:
        """Send one request."""
        self._due, self.asks = due, True
        key = f"{self._crowd.asking.region}-{uuid.uuid4().hex}".encode()
        self._transport.write(self._before + key + self._after)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._buffer, 0, end + 2) if end >= 0 else None
        if length and len(self._buffer) >= end + 4 + int(length[1]):
            good = self._buffer[9:10] == b"2"
            self._buffer, self.asks = b"", False
            self._crowd.answered(self, good, self._due)

    def connection_lost(self, _: Exception | None) -> None:
        self._crowd.outcome.failed += self.asks
        self.asks = False

    def leave(self) -> None:
        """Close the connection."""
        self.asks = False
        self._transport.close()


class _Crowd:
    """All buyers of one run."""

    def __init__(self, asking: Asking) -> None:
        self.asking, self.outcome = asking, Outcome()
        self._idle: deque[_Buyer] = deque()
        self._due: deque[float] = deque()
        self._open = False

    def rest(self, buyer: _Buyer) -> None:
        """Let a buyer ask again, now or when something is due."""
        if self._open and self.asking.rate is None:
            buyer.ask(time.perf_counter())
        elif self._due:
            buyer.ask(self._due.popleft())
        else:
            self._idle.append(buyer)

    def answered(self, buyer: _Buyer, good: bool, due: float) -> None:
        """Count an answer; one that comes after the end counts as being late, not as throughput."""
        if good and self._open:
            self.outcome.ok += 1
            self.outcome.times.append(1000 * (time.perf_counter() - due))
        elif not good:
            self.outcome.failed += 1
        self.rest(buyer)

    async def run(self) -> Outcome:
        """Connect, ask for some seconds, and leave."""
        loop, asking, outcome = asyncio.get_running_loop(), self.asking, self.outcome
        buyers = []
        for head in asking.heads:
            _, buyer = await loop.create_connection(lambda h=head: _Buyer(self, h), "127.0.0.1", asking.port)  # type: ignore[misc]
            buyers.append(buyer)
        cpu, began = time.process_time(), time.perf_counter()
        self._open = True
        if asking.rate is None:
            while self._idle:
                self.rest(self._idle.popleft())
            await asyncio.sleep(asking.seconds)
        else:
            await self._keep_to(asking.rate, began)
        self._open = False
        outcome.seconds = time.perf_counter() - began
        outcome.cores = (time.process_time() - cpu) / outcome.seconds
        outcome.late = len(self._due)
        self._due.clear()
        deadline = time.perf_counter() + GRACE_SECONDS
        while any(buyer.asks for buyer in buyers) and time.perf_counter() < deadline:
            await asyncio.sleep(TICK_SECONDS)
        for buyer in buyers:
            outcome.failed += buyer.asks
            buyer.leave()
        return outcome

    async def _keep_to(self, rate: float, began: float) -> None:
        sent = 0
        while (elapsed := time.perf_counter() - began) < self.asking.seconds:
            while sent < elapsed * rate:
                self._due.append(began + sent / rate)
                sent += 1
            while self._due and self._idle:
                self._idle.popleft().ask(self._due.popleft())
            await asyncio.sleep(TICK_SECONDS)


def ask(asking: Asking) -> Outcome:
    """Let the buyers ask; returns what became of it."""
    return uvloop.run(_Crowd(asking).run())
