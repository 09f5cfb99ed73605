"""The queue between outbox and consumers: streams of the Valkey protocol locally, SQS in prod.

It is a carrier, not a memory: what is lost in it, the sweeper finds in the database again. Messages may come twice.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

import redis.asyncio
from redis.exceptions import ResponseError

Message = dict[str, Any]
Received = tuple[str, Message]
"""A message with the receipt that `Queue.done` wants."""

STREAM, GROUP = "order:work", "worker"
BATCH = 32
WAIT_SECONDS = 5
RETRY_SECONDS = 10
"""A message whose consumer failed, or is gone, comes again after so long."""


class Queue(Protocol):
    """At least once, in no order that may be relied on."""

    async def send(self, messages: list[Message]) -> None:
        """Put messages in; returns when they are kept."""
        ...

    async def receive(self) -> list[Received]:
        """Return messages to work on, after some seconds of waiting maybe none."""
        ...

    async def done(self, receipts: list[str]) -> None:
        """Take messages out for good."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class ValkeyQueue:
    """A stream with one consumer group; a reader that dies leaves its messages to the others."""

    def __init__(self, url: str, consumer: str) -> None:
        # A blocking read is idle for longer than any answer may take.
        self._client = redis.asyncio.Redis.from_url(
            url, protocol=2, socket_timeout=WAIT_SECONDS + 5, socket_connect_timeout=2
        )
        self._consumer, self._made = consumer, False

    async def send(self, messages: list[Message]) -> None:
        """Append to the stream in one round trip."""
        pipe = self._client.pipeline(transaction=False)
        for message in messages:
            pipe.xadd(STREAM, {"m": json.dumps(message)})
        await pipe.execute()

    async def receive(self) -> list[Received]:
        """Return what others left behind, else wait for what is new."""
        if not self._made:
            await self._make_group()
        try:
            entries = await self._next()
        except ResponseError:
            self._made = False  # the server was emptied: make the group anew
            raise
        return [(name.decode(), json.loads(fields[b"m"])) for name, fields in entries]

    async def _next(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        left: Any = await self._client.xautoclaim(
            STREAM, GROUP, self._consumer, min_idle_time=RETRY_SECONDS * 1000, count=BATCH
        )
        if left[1]:
            return left[1]  # type: ignore[no-any-return]
        read: Any = await self._client.xreadgroup(
            GROUP, self._consumer, {STREAM: ">"}, count=BATCH, block=WAIT_SECONDS * 1000
        )
        return read[0][1] if read else []

    async def done(self, receipts: list[str]) -> None:
        """Acknowledge and delete, so that the stream holds open work only."""
        if receipts:
            pipe = self._client.pipeline(transaction=False)
            pipe.xack(STREAM, GROUP, *receipts)
            pipe.xdel(STREAM, *receipts)
            await pipe.execute()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _make_group(self) -> None:
        try:
            await self._client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._made = True


class SqsQueue:
    """Amazon SQS by boto3 (imported here only: its import costs more than this service's start).

    Every method raises `OSError` when SQS does not answer or refuses.
    """

    def __init__(self, url: str, client: object = None) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        # boto3 makes its methods at run time: there is no type for them.
        self._sqs: Any = client or _boto3_client()
        self._url, self._errors = url, (BotoCoreError, ClientError)

    async def send(self, messages: list[Message]) -> None:
        """Send in tens, as SQS takes them; when it refused some, the whole batch is sent again later."""
        for entries in _tens("MessageBody", [json.dumps(message) for message in messages]):
            answer = await self._call("send_message_batch", Entries=entries)
            if answer.get("Failed"):
                raise OSError(f"SQS refused {len(answer['Failed'])} messages")

    async def receive(self) -> list[Received]:
        """Wait for messages; the queue's visibility timeout is the retry's pause."""
        answer = await self._call("receive_message", MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS)
        return [(m["ReceiptHandle"], json.loads(m["Body"])) for m in answer.get("Messages", [])]

    async def done(self, receipts: list[str]) -> None:
        """Delete what was worked on; what SQS does not delete comes again, and then changes nothing."""
        for entries in _tens("ReceiptHandle", receipts):
            await self._call("delete_message_batch", Entries=entries)

    async def close(self) -> None:
        """Nothing is held."""

    async def _call(self, method: str, **arguments: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await asyncio.to_thread(
                getattr(self._sqs, method), QueueUrl=self._url, **arguments
            )
        except self._errors as error:
            raise OSError(f"SQS: {error}") from error
        return answer


def _tens(name: str, values: list[str]) -> list[list[dict[str, str]]]:
    entries = [{"Id": str(n), name: value} for n, value in enumerate(values)]
    return [entries[start : start + 10] for start in range(0, len(entries), 10)]


def _boto3_client() -> object:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    # "standard": exponential backoff with jitter. A long poll is silent for WAIT_SECONDS.
    retries = {"mode": "standard", "total_max_attempts": 3}
    limits = Config(connect_timeout=2, read_timeout=WAIT_SECONDS + 5, retries=retries)
    return boto3.client("sqs", config=limits)


def connect(url: str, consumer: str) -> Queue:
    """Return the queue of an address: ``redis://`` or ``rediss://``, else that of an SQS queue."""
    return ValkeyQueue(url, consumer) if url.startswith(("redis://", "rediss://")) else SqsQueue(url)
