"""The load generator against a real server that fails on purpose: every outcome by its class, exactly."""

import asyncio
import socket
import threading
import time

import pytest
from faulty_server import OK, Serve, good, reset

from onair.adapters.load_engine import Tick
from onair.adapters.load_http import run_load
from onair.core.finding import OnairError
from onair.core.load import LoadPlan
from onair.core.load_result import LoadResult

pytestmark = pytest.mark.integration


def counts(result: LoadResult) -> dict[str, int]:
    return {name: seen.count for name, seen in result.outcomes.items()}


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
    result = run_load(LoadPlan(url=server.url, rate=10, requests=20, viewers=1))  # one at a time, on a busy machine too
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
