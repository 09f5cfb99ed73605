from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from worker import queue
from worker.queue import SqsQueue, ValkeyQueue, connect


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


class FakeSqs:
    """The three calls, as boto3 answers them."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refuse = False

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert len(Entries) <= 10
        if self.refuse:
            return {"Failed": Entries}
        self.sent += [
            {"ReceiptHandle": f"r{len(self.sent) + n}", "Body": e["MessageBody"]} for n, e in enumerate(Entries)
        ]
        return {"Successful": Entries}

    def receive_message(self, **_: object) -> dict[str, Any]:
        return {"Messages": self.sent[:10]} if self.sent else {}

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> None:
        gone = {e["ReceiptHandle"] for e in Entries}
        self.sent = [m for m in self.sent if m["ReceiptHandle"] not in gone]


async def test_sqs_in_tens() -> None:
    fake = FakeSqs()
    sqs = SqsQueue("https://sqs.example/q", fake)
    await sqs.send([{"topic": str(n)} for n in range(23)])
    assert [json.loads(m["Body"])["topic"] for m in fake.sent] == [str(n) for n in range(23)]
    while received := await sqs.receive():
        await sqs.done([r for r, _ in received])
    assert fake.sent == []
    fake.refuse = True
    with pytest.raises(OSError, match="refused 1"):
        await sqs.send([{"topic": "x"}])


def test_the_address_says_which_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(connect("redis://x:1/0", "pod"), ValkeyQueue)
