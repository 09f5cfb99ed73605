"""Viewers of a chat for a benchmark: raw sockets in one process, which time every message that each of them gets."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil
import uvloop

FIELD = b'"text":"'
"""The text of a message begins with the instant it was sent, in milliseconds of the monotonic clock."""


@dataclass(frozen=True)
class Plan:
    """Who connects where, and how much is said.

    Attributes
    ----------
    server
        The server's process id: its processor time is read while viewers speak.
    cookies
        One a viewer; they also differ in what they say when.
    rooms
        Viewers are dealt out to so many.
    rate
        Messages a second over all rooms.
    warm_seconds
        Said before anything is counted.
    """

    port: int
    server: int
    path: str
    cookies: list[str]
    rooms: int
    rate: float
    seconds: float
    warm_seconds: float = 2.0


class Reader(asyncio.Protocol):
    """One viewer: parses frames without masks, keeps each message's milliseconds from sending to arrival."""

    def __init__(self, request: bytes, delays: list[float], counting: list[bool]) -> None:
        self.request, self.delays, self.counting = request, delays, counting
        self.opened = asyncio.get_running_loop().create_future()
        self.transport: Any = None
        self._buffer = b""
        self.messages = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = transport
        self.transport.write(self.request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the server ended it."""
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"closed: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        data = self._buffer + data
        if not self.opened.done():
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self.opened.set_result(None)
        now = time.monotonic() * 1000
        place, size = 0, len(data)
        while size - place >= 2:
            length, begin = data[place + 1] & 0x7F, place + 2
            if length == 126:
                if size - place < 4:
                    break
                length, begin = int.from_bytes(data[place + 2 : place + 4], "big"), place + 4
            if size - begin < length:
                break
            if data[place] == 0x81:
                self._message(data, begin, begin + length, now)
            elif data[place] == 0x89:
                self.transport.write(b"\x8a" + bytes([0x80 | length]) + bytes(4) + data[begin : begin + length])
            place = begin + length
        self._buffer = data[place:]

    def say(self, text: bytes) -> None:
        """Send one text; a mask of zeros leaves it readable."""
        self.transport.write(b"\x81" + bytes([0xFE]) + len(text).to_bytes(2, "big") + bytes(4) + text)

    def _message(self, data: bytes, begin: int, end: int, now: float) -> None:
        at = data.find(FIELD, begin, end)
        if at < 0:
            return
        self.messages += 1
        if self.counting[0]:
            sent = at + len(FIELD)
            self.delays.append(now - float(data[sent : data.index(b" ", sent)]))


async def load(plan: Plan) -> dict[str, Any]:
    """Connect all, speak at the plan's rate, and return every delay in milliseconds with what was sent."""
    loop = asyncio.get_running_loop()
    delays: list[float] = []
    counting = [False]
    readers: list[Reader] = []
    for number, cookie in enumerate(plan.cookies):
        path = plan.path.replace("ROOM", f"room-{number % plan.rooms}")
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nOrigin: http://127.0.0.1:{plan.port}\r\n"
            f"Cookie: {cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n"
        ).encode()
        _, reader = await loop.create_connection(lambda r=request: Reader(r, delays, counting), "127.0.0.1", plan.port)  # type: ignore[misc]
        await asyncio.wait_for(reader.opened, 20)
        readers.append(reader)
    await asyncio.sleep(0.5)
    server = psutil.Process(plan.server)
    spent, began = sum(server.cpu_times()[:2]), time.monotonic()
    said = counted = 0
    while (elapsed := time.monotonic() - began) < plan.warm_seconds + plan.seconds:
        counting[0] = elapsed >= plan.warm_seconds
        while said < elapsed * plan.rate:
            speaker = readers[said % len(readers)]
            text = f"{time.monotonic() * 1000:.3f} 안녕하세요, 두 개 주문했어요 {said}"
            speaker.say(json.dumps({"type": "say", "ref": f"r{said}", "text": text}).encode())
            said += 1
            counted += counting[0]
        await asyncio.sleep(0.002)
    await asyncio.sleep(1.5)
    cores = (sum(server.cpu_times()[:2]) - spent) / (time.monotonic() - began)
    received = sum(reader.messages for reader in readers)
    wanted = sum(1 for n in range(said) for _ in range(len(readers[n % plan.rooms :: plan.rooms])))
    lost = sum(reader.lost for reader in readers)
    delays.sort()
    return {
        "said": said,
        "counted": counted,
        "deliveries": received,
        "missing": wanted - received,
        "lost": lost,
        "cores": cores,
        "p50": delays[len(delays) // 2],
        "p99": delays[-(-99 * len(delays) // 100) - 1],
        "max": delays[-1],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(load(Plan(**json.loads(sys.stdin.read()))))))
