from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

import boto3
import httpx
import pytest
import redis
from botocore.config import Config
from moto.server import ThreadedMotoServer
from order_world import Regions

from order import keys, outbox
from worker import queue
from worker.app import TROUBLE, build
from worker.queue import Queue, Received, SqsQueue, ValkeyQueue, connect


@pytest.fixture
def server(free_address: tuple[str, int]) -> Iterator[str]:
    """A Valkey-protocol server of Debian's redis package."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server is missing: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="onair-redis-") as folder:
        host, port = free_address
        process = subprocess.Popen(
            [program, "--bind", host, "--port", str(port), "--dir", folder, "--save", ""], stdout=subprocess.DEVNULL
        )
        try:
            client = redis.Redis(host, port)
            for _ in range(100):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
            yield f"redis://{host}:{port}/0"
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.integration
async def test_a_message_stays_until_it_is_done_whoever_took_it(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "RETRY_SECONDS", 0)
    monkeypatch.setattr(queue, "WAIT_SECONDS", 1)
    first, second = ValkeyQueue(server, "one"), ValkeyQueue(server, "two")
    await first.send([{"topic": "a"}, {"topic": "b"}])
    taken = await first.receive()
    assert [m["topic"] for _, m in taken] == ["a", "b"]
    await first.done([taken[0][0]])
    again = await second.receive()
    assert again == [taken[1]], "one is gone, the other was left behind"
    await second.done([again[0][0]])
    assert await second.receive() == []
    await first.close()
    await second.close()


@pytest.mark.integration
async def test_a_server_that_was_emptied_is_used_again(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "WAIT_SECONDS", 1)
    one = ValkeyQueue(server, "one")
    assert await one.receive() == []
    redis.Redis.from_url(server).flushall()
    with pytest.raises(redis.ResponseError):
        await one.receive()
    await one.send([{"topic": "a"}])
    assert [m for _, m in await one.receive()] == [{"topic": "a"}]
    await one.close()


@pytest.fixture(scope="module")
def sqs_server() -> Iterator[str]:
    """An emulator of SQS that is asked by HTTP, as the real one is."""
    emulator = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    emulator.start()
    _, port = emulator.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    emulator.stop()


@pytest.fixture
def sqs_url(sqs_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new queue, which gives a message out again after a second; the environment names the emulator."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "emulated")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", sqs_server)
    monkeypatch.setattr(queue, "WAIT_SECONDS", 0)
    made = boto3.client("sqs").create_queue(QueueName=f"q{time.monotonic_ns()}", Attributes={"VisibilityTimeout": "1"})
    return str(made["QueueUrl"])


async def take_all(waiting: Queue) -> list[Received]:
    found: list[Received] = []
    while taken := await waiting.receive():
        found += taken
    return found


@pytest.mark.integration
async def test_sqs_keeps_a_message_until_it_is_done(sqs_url: str) -> None:
    sqs = connect(sqs_url, "pod")
    assert isinstance(sqs, SqsQueue)
    await sqs.send([{"topic": "a", "n": n, "text": "담기 👜"} for n in range(23)])
    taken = await take_all(sqs)
    assert sorted(m["n"] for _, m in taken) == list(range(23))
    assert taken[0][1]["text"] == "담기 👜"
    await sqs.done([receipt for receipt, _ in taken[:12]])
    await asyncio.sleep(1.1)
    again = await take_all(sqs)
    assert sorted(m["n"] for _, m in again) == sorted(m["n"] for _, m in taken[12:]), "who took the others is gone"
    await sqs.done([receipt for receipt, _ in again])
    await asyncio.sleep(1.1)
    assert await take_all(sqs) == []
    await sqs.close()


@pytest.mark.integration
async def test_sqs_that_is_away_or_refuses_is_trouble_and_nothing_else(
    sqs_url: str, free_port: Callable[[], int]
) -> None:
    with pytest.raises(OSError, match="SQS"):
        await SqsQueue(sqs_url + "-none").send([{"topic": "a"}])
    with pytest.raises(OSError, match="SQS"):
        await SqsQueue(sqs_url).done(["no receipt"] * 2 + ["x" * 3000])
    away = boto3.client(
        "sqs", endpoint_url=f"http://127.0.0.1:{free_port()}", config=Config(retries={"total_max_attempts": 1})
    )
    with pytest.raises(OSError, match="SQS"):
        await SqsQueue(sqs_url, away).receive()
    assert isinstance(OSError(), TROUBLE)


@pytest.mark.integration
async def test_the_outbox_reaches_the_consumer_through_sqs(sqs_url: str, regions: Regions) -> None:
    kr = regions["kr"]
    kr.network.callbacks = httpx.ASGITransport(kr.service)
    await kr.open(kr=2)
    key = keys.new("kr")
    hold = (await kr.hold()).json()["hold"]
    await kr.order(hold, key=key)
    worker = build(kr.context, SqsQueue(sqs_url), {})
    for _ in range(3):
        while await outbox.relay(kr.db, worker.queue.send):
            pass
        await worker.consume()
    assert (await kr.find(key)).json()["state"] == "paid"
    await asyncio.sleep(1.1)
    assert await worker.queue.receive() == [], "a message stayed, or came back"


def test_the_address_says_which_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(connect("redis://x:1/0", "pod"), ValkeyQueue)
