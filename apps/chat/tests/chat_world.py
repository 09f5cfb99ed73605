"""Two regions of chat as they are: two Valkeys, uvicorn in processes of their own, and a link that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chat import protocol
from chat.log import Limits, Log
from onair_common.identity import COOKIE, Role, Sessions, Viewer

KEYS = "k" * 40
PEER_KEY = "p" * 24
SOURCES = [Path(__file__).parents[2] / name / "src" for name in ("common", "chat")]
Event = dict[str, Any]


def viewer(number: int = 1, role: Role = "viewer", seconds: int = 3600) -> Viewer:
    return Viewer(f"{number:032x}", f"손님{number}", role, int(time.time()) + seconds)


def cookie(who: Viewer) -> str:
    return f"{COOKIE}={Sessions([KEYS]).issue(who)}"


async def append(valkey: str, texts: Iterable[str], room: str = "show", region: str = "kr", pause: float = 0) -> None:
    """Append messages of many viewers as a pod does, past the limits of one socket."""
    log = Log(valkey, region, Limits(1e6, 1e6, 1e6, 1e6))
    for number, text in enumerate(texts):
        body = protocol.encode(type="message", at=protocol.instant(time.time()), region=region, text=text)
        assert (await log.append(room, "m", body, f"v{number}"))[0] == "ok"
        await asyncio.sleep(pause)
    await log.close()


@dataclass
class Pod:
    """One process of the service."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, sig: int = signal.SIGTERM) -> None:
        self.process.send_signal(sig)

    def lines(self) -> list[Event]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]


def after_of(ids: Iterable[str]) -> str:
    seen: dict[str, int] = {}
    for message in ids:
        home, _, number = message.rpartition("-")
        seen[home] = max(seen.get(home, 0), int(number))
    return ",".join(f"{home}:{number}" for home, number in seen.items())


@dataclass
class Client:
    """A viewer's page: keeps all it got, and where it is."""

    socket: ClientConnection
    events: list[Event] = field(default_factory=list)
    taken: int = 0
    closed: int | None = None
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.socket:
                self.events.append(json.loads(text))
        self.closed = self.socket.close_code

    async def next(self, kind: str, timeout: float = 60.0, **fields: object) -> Event:
        """Return the first event not taken yet that matches, waiting for it."""
        async with asyncio.timeout(timeout):
            while True:
                for place in range(self.taken, len(self.events)):
                    event = self.events[place]
                    if event["type"] == kind and all(event.get(k) == v for k, v in fields.items()):
                        self.taken = place + 1
                        return event
                await asyncio.sleep(0.01)

    async def until(self, true: Callable[[], bool], timeout: float = 60.0) -> None:
        async with asyncio.timeout(timeout):
            while not true():
                await asyncio.sleep(0.02)

    async def send(self, **body: object) -> None:
        await self.socket.send(json.dumps(body))

    async def say(self, text: str, ref: str = "r1") -> Event:
        """Say something; return the answer, accepted or refused."""
        before = len(self.events)
        await self.send(type="say", text=text, ref=ref)
        async with asyncio.timeout(60):
            while True:
                for event in self.events[before:]:
                    if event["type"] in {"accepted", "refused"} and event["ref"] in {ref, None}:
                        return event
                await asyncio.sleep(0.01)

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events if event["type"] == "message"]

    @property
    def after(self) -> str:
        """What a page sends when it comes back."""
        return after_of(self.ids)


@dataclass
class Chat:
    """Starts pods and clients of both regions."""

    folder: Path
    region_env: dict[str, dict[str, str]]
    free_port: Callable[[], int]
    pods: list[Pod] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def pod(self, region: str, valkey: str, peers: str = "", port: int = 0, **env: str) -> Pod:
        port = port or self.free_port()
        settings = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(map(str, SOURCES)),
            "SERVICE_NAME": "chat",
            "HOSTNAME": f"{region}-{len(self.pods)}",
            "PORT": str(port),
            "DRAIN_SECONDS": "0.5",
            "SESSION_KEYS": KEYS,
            "PEER_KEY": PEER_KEY,
            "VALKEY_URL": valkey,
            "PEERS": peers,
            "CATALOG_URL": "http://127.0.0.1:9",
            "VIEWER_RATE": "1000",
            "VIEWER_BURST": "1000",
        }
        output = self.folder / f"{region}-{len(self.pods)}.log"
        with output.open("wb") as log:
            command = [sys.executable, "-m", "onair_common.serve"]
            process = subprocess.Popen(
                command, env={**settings, **self.region_env[region], **env}, stdout=log, stderr=subprocess.STDOUT
            )
        pod = Pod(process, port, output)
        self.pods.append(pod)
        return pod

    async def ready(self, *pods: Pod, timeout: float = 60.0) -> None:
        async with asyncio.timeout(timeout), httpx.AsyncClient(trust_env=False) as http:
            for pod in pods:
                while True:
                    try:
                        if (await http.get(f"{pod.base}/readyz")).status_code == 200:
                            break
                    except httpx.HTTPError:
                        assert pod.process.poll() is None, pod.output.read_text()
                    await asyncio.sleep(0.05)

    async def close(self) -> None:
        """End all clients and pods."""
        for client in self.clients:
            client.socket.transport.abort()
            if client.reading:
                client.reading.cancel()
        for pod in self.pods:
            pod.process.kill()
        for pod in self.pods:
            pod.process.wait()

    async def client(self, pod: Pod, who: Viewer | None = None, room: str = "show", after: str = "") -> Client:
        query = f"?after={after}" if after else ""
        headers = {"Cookie": cookie(who or viewer()), "Origin": pod.base}
        uri = f"ws://127.0.0.1:{pod.port}/api/chat/rooms/{room}/socket{query}"
        client = Client(await connect(uri, additional_headers=headers, proxy=None, compression=None))
        client.reading = asyncio.create_task(client.read())
        self.clients.append(client)
        return client


@dataclass
class Page:
    """A viewer's page: comes back when its socket ends, with what it has seen, and repeats what got no answer."""

    chat: Chat
    pods: dict[str, Pod]
    region: str
    who: Viewer
    room: str
    got: list[Event] = field(default_factory=list)
    client: Client | None = None

    async def connected(self) -> Client:
        """Return an open socket, a new one if need be."""
        async with asyncio.timeout(90):
            while self.client is None or self.client.closed is not None:
                if self.client:
                    self.got, self.client = self._all(), None
                try:
                    self.client = await self.chat.client(self.pods[self.region], self.who, self.room, self._after())
                except (OSError, InvalidHandshake, ConnectionClosed):
                    await asyncio.sleep(0.1)
        return self.client

    async def say(self, text: str) -> Event:
        """Say something until it is accepted."""
        async with asyncio.timeout(90):
            while True:
                with contextlib.suppress(ConnectionClosed, TimeoutError):
                    answer = await (await self.connected()).say(text, text)
                    if answer["type"] == "accepted":
                        return answer
                await asyncio.sleep(0.1)

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self._all() if event["type"] == "message"]

    def _all(self) -> list[Event]:
        return self.got + (self.client.events if self.client else [])

    def _after(self) -> str:
        return after_of(self.ids)
