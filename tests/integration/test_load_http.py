"""The load generator against a real server that fails on purpose: every outcome by its class, exactly."""

import asyncio
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from onair.adapters.load_http import Tick, run_load
from onair.adapters.load_process import LoadProcess
from onair.core.finding import OnairError
from onair.core.load import LoadPlan
from onair.core.load_result import LoadResult

pytestmark = pytest.mark.integration

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-onair-region: kr\r\nx-onair-version: v1\r\n\r\nhello"
Handler = Callable[[int, int, asyncio.StreamWriter], Awaitable[bool]]


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class Server:
    """Calls ``handler(request number, number on its connection, writer)``; False ends the connection."""

    handler: Handler
    port: int = 0
    requests: int = 0
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        on_connection = 0
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                number, self.requests = self.requests, self.requests + 1
                if not await self.handler(number, on_connection, writer):
                    break
                on_connection += 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def start(self) -> None:
        ready = threading.Event()

        async def main() -> None:
            self.loop = asyncio.get_running_loop()
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self.ended.wait()

        self.thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        self.thread.start()
        assert ready.wait(5)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


Serve = Callable[[Handler], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(handler: Handler) -> Server:
        server = Server(handler)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


def counts(result: LoadResult) -> dict[str, int]:
    return {name: seen.count for name, seen in result.outcomes.items()}


async def good(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
    writer.write(OK)
    return True


def test_kept_connections_are_few_and_new_ones_are_one_each(serve: Serve) -> None:
    server = serve(good)
    kept = run_load(LoadPlan(url=server.url, rate=200, requests=200, viewers=4))
    assert counts(kept) == {"http-200": 200}
    assert kept.clean
    assert kept.opened == server.connections
    assert 4 <= kept.opened < 200  # 4 on a machine with time to spare
    assert kept.outcomes["http-200"].reused == 200 - kept.opened
    assert kept.regions["kr"].count == kept.versions["v1"].count == 200
    assert kept.received_bytes == 1000
    new = run_load(LoadPlan(url=server.url, rate=200, requests=100, connections="new"))
    assert (new.opened, new.outcomes["http-200"].reused) == (100, 0)
    mixed = run_load(LoadPlan(url=server.url, rate=200, requests=100, connections="mixed", viewers=2))
    assert 50 < mixed.opened <= 100


def test_every_failure_has_its_class(serve: Serve) -> None:
    async def faulty(number: int, _: int, writer: asyncio.StreamWriter) -> bool:
        kind = number % 5
        if kind == 0:
            writer.write(OK)
        elif kind == 1:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        elif kind == 2:
            reset(writer)
            return False
        elif kind == 3:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
            await writer.drain()
            return False
        else:
            await asyncio.sleep(5)
        return True

    server = serve(faulty)
    result = run_load(LoadPlan(url=server.url, rate=50, requests=50, connections="new", timeout=0.5))
    assert counts(result) == {
        "http-200": 10,
        "http-503": 10,
        "reset": 10,
        "incomplete-body": 10,
        "timeout": 10,
    }
    assert (result.ok, result.failed, result.not_sent) == (10, 40, 0)
    assert len(result.failures) == 40
    assert sum(step.failed for step in result.timeline) == 40
    assert result.response.max >= 500


def test_a_dead_kept_connection_is_a_failed_request_and_not_repeated(serve: Serve) -> None:
    async def second_dies(_: int, on_connection: int, writer: asyncio.StreamWriter) -> bool:
        if on_connection == 0:
            writer.write(OK)
            return True
        reset(writer)
        return False

    server = serve(second_dies)
    result = run_load(LoadPlan(url=server.url, rate=50, requests=20, viewers=1))
    assert counts(result) == {"http-200": 10, "reset": 10}
    assert result.outcomes["reset"].reused == 10
    assert server.requests == 20


def test_nothing_listens() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    result = run_load(LoadPlan(url=f"http://127.0.0.1:{port}/", rate=100, requests=20))
    assert counts(result) == {"connect-refused": 20}


def test_nobody_answers_the_connection() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        full = [socket.socket() for _ in range(2)]  # they fill the queue of connections that wait
        for one in full:
            one.setblocking(False)
            one.connect_ex(sock.getsockname())
        result = run_load(
            LoadPlan(
                url=f"http://127.0.0.1:{sock.getsockname()[1]}/",
                rate=50,
                requests=10,
                timeout=0.4,
                viewers=10,
            )
        )
        for one in full:
            one.close()
    assert counts(result) == {"connect-timeout": 10}


def test_plain_server_behind_https_is_a_tls_failure(serve: Serve) -> None:
    async def garbage(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
        return False

    server = serve(garbage)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()

        def answer() -> None:
            for _ in range(5):
                peer, _addr = sock.accept()
                peer.recv(2000)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                peer.close()

        threading.Thread(target=answer, daemon=True).start()
        url = f"https://localhost:{sock.getsockname()[1]}/"
        result = run_load(
            LoadPlan(url=url, rate=50, requests=5, resolve=f"localhost:{url.split(':')[2][:-1]}:127.0.0.1")
        )
    assert counts(result) == {"tls": 5}
    assert server.requests == 0


def test_a_stall_is_in_the_response_time_of_all_who_were_due(serve: Serve) -> None:
    # Free of coordinated omission: a closed loop would have measured one slow request.
    async def stall(number: int, _: int, writer: asyncio.StreamWriter) -> bool:
        if number == 50:
            time.sleep(1.0)  # the whole server stands still
        writer.write(OK)
        return True

    result = run_load(LoadPlan(url=serve(stall).url, rate=100, duration=3.0, viewers=5))
    assert counts(result) == {"http-200": 300}
    slow = sum(step.p99 is not None and step.p99 > 500 for step in result.timeline)
    assert slow >= 1
    assert result.response.p90 > 300
    assert result.lag.p99 < 500


def test_overload_is_told_and_nothing_is_slowed(serve: Serve) -> None:
    async def slow(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.5)
        writer.write(OK)
        return True

    result = run_load(LoadPlan(url=serve(slow).url, rate=100, duration=1.0, max_in_flight=10))
    assert result.due == 100
    assert result.outcomes["client-overload"].count == result.not_sent > 50
    assert result.ok + result.not_sent == 100
    assert "never sent" in result.saturated[0]
    assert not result.clean


def test_stop_from_another_thread_and_ticks(serve: Serve) -> None:
    stop, ticks = threading.Event(), list[Tick]()

    def on_tick(tick: Tick) -> None:
        ticks.append(tick)
        if len(ticks) == 3:
            stop.set()

    result = run_load(LoadPlan(url=serve(good).url, rate=50, duration=60, interval=0.2), on_tick, stop=stop)
    assert result.interrupted
    assert 20 < result.ok < 60
    assert [t.ok for t in ticks] == sorted(t.ok for t in ticks)


@pytest.mark.parametrize("host", ["192.0.2.1", "8.8.8.8"])
def test_targets_outside_are_refused(host: str) -> None:
    with pytest.raises(OnairError, match="outside the project's networks"):
        run_load(LoadPlan(url=f"http://{host}/", requests=1))


def cli(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "onair", "load", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_command_line(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    done = cli(
        serve(good).url,
        "--rate",
        "50",
        "--requests",
        "50",
        "--geo",
        "us",
        "--json",
        str(file),
        "--fail-on-error",
    )
    assert done.returncode == 0, done.stderr
    assert "50 ok" in done.stdout
    result = LoadResult.model_validate(json.loads(file.read_text()))
    assert ("x-onair-geo", "us") in result.plan.headers
    refused = cli("http://127.0.0.1:9/", "--requests", "5", "--fail-on-error")
    assert refused.returncode == 1
    assert "connect-refused" in refused.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["http://198.51.100.7/"], "outside the project's networks"),
        (["http://127.0.0.1/", "--rate", "0"], "greater than 0"),
        (["http://127.0.0.1/", "--duration", "soon"], "no duration"),
        (["ftp://127.0.0.1/"], "no http(s) address"),
        (["http://127.0.0.1/", "--header", "nonsense"], "is not 'Name: value'"),
        (["http://127.0.0.1/", "--resolve", "x"], "not host:port:address"),
        (["http://127.0.0.1/", "--body-file", "/no/such"], "cannot read"),
    ],
)
def test_bad_input_is_one_clear_message(words: list[str], message: str) -> None:
    done = cli(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupt_prints_what_was_measured(serve: Serve) -> None:
    command = [sys.executable, "-m", "onair", "load", serve(good).url, "--rate", "50", "--duration", "60s"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert "stopped early" in output
    assert "http-200" in output


def test_load_process(serve: Serve) -> None:
    plan = LoadPlan(url=serve(good).url, rate=100, duration=30, headers=(("x-onair-geo", "kr"),), viewers=3)
    with LoadProcess(plan) as load:
        time.sleep(2.5)
        assert load.running
    assert load.result.plan == plan
    assert load.result.interrupted
    assert load.result.failed == 0
    assert load.result.ok > 50
