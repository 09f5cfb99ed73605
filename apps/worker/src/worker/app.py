"""The process: three loops behind health, readiness and metrics."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg
import httpx
import structlog
from prometheus_client import Counter, Histogram
from redis.exceptions import RedisError
from starlette.applications import Starlette

from onair_common import migrations, settings
from onair_common.asgi import Lifecycle, health_routes
from onair_common.database import AWAY, Database
from onair_common.refusals import application
from onair_common.settings import Settings
from order import outbox
from order.context import Context
from order.payment import SIGNATURE
from order.simulated import SimulatedProvider
from worker.consumer import Consumer, Later
from worker.lease import Lease
from worker.queue import Queue, connect
from worker.sweeper import Sweeper

POOL = 4
TICK_SECONDS = 1.0
OUTBOX_SECONDS = 5.0
"""The outbox is looked at when a commit says so; this often in case the word was lost."""
CALLBACK_TIMEOUT = httpx.Timeout(2.0, connect=0.5)
TROUBLE = (*AWAY, RedisError, httpx.HTTPError)
STUCK_SECONDS = 60.0
"""A loop that got nothing done for so long is stuck: the queue or the database does not answer, or we are at fault."""
MESSAGES = Counter("onair_worker_messages", "Messages worked on.", ["topic", "result"])
DURATION = Histogram(
    "onair_worker_message_seconds",
    "Seconds that a message took.",
    ["topic"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
_TOPICS = frozenset({"payment", "callback", "transfer", "forward", "sale-closed"})
_log = structlog.get_logger("worker")


class Worker:
    """The loops; each goes on after trouble, a little later."""

    def __init__(self, context: Context, queue: Queue, consumer: Consumer, sweeper: Sweeper) -> None:
        self._context, self.queue, self._consumer, self._sweeper = context, queue, consumer, sweeper
        self._wake = asyncio.Event()
        self._listener: asyncpg.Connection | None = None
        self._went_well: dict[str, float] = {}

    async def run(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step for ever."""
        while True:
            try:
                await step()
                self._went_well[step.__name__] = time.monotonic()
            except TROUBLE as error:
                _log.warning("trouble", step=step.__name__, error=repr(error))
                await asyncio.sleep(TICK_SECONDS)
            except Exception:
                # A fault of ours in one message must not end the loop that all others need.
                _log.exception("fault", step=step.__name__)
                await asyncio.sleep(TICK_SECONDS)

    def stuck(self) -> str | None:
        """Return which loop got nothing done lately, or ever; None when all go round."""
        since = time.monotonic() - STUCK_SECONDS
        late = [step.__name__ for step in self.steps if self._went_well.get(step.__name__, -1.0) < since]
        return f"no {', '.join(late)} in {STUCK_SECONDS:g} s" if late else None

    @property
    def steps(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What is repeated, each in a loop of its own."""
        return self.relay, self.consume, self.sweep

    async def relay(self) -> None:
        """Move the outbox to the queue whenever a commit has put something in."""
        if self._listener is None or self._listener.is_closed():
            self._listener = await self._context.db.connect()
            await self._listener.add_listener(outbox.CHANNEL, lambda *_: self._wake.set())
        while await outbox.relay(self._context.db, self.queue.send):
            pass
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), OUTBOX_SECONDS)
        self._wake.clear()

    async def consume(self) -> None:
        """Work on a batch of messages, together."""
        received = await self.queue.receive()
        results = await asyncio.gather(*(self._one(message) for _, message in received))
        await self.queue.done([receipt for (receipt, _), done in zip(received, results, strict=True) if done])

    async def _one(self, message: dict[str, object]) -> bool:
        topic = str(message.get("topic"))
        result, began = "done", time.perf_counter()
        try:
            await self._consumer.handle(message)
        except (Later, *TROUBLE) as error:
            result = "later"
            _log.info("later", topic=topic, error=str(error))
        except (KeyError, TypeError, ValueError):
            result = "malformed"
            _log.exception("malformed", topic=topic)
        label = topic if topic in _TOPICS else "other"
        MESSAGES.labels(label, result).inc()
        DURATION.labels(label).observe(time.perf_counter() - began)
        return result != "later"

    async def sweep(self) -> None:
        """Do what time brings."""
        await self._sweeper.tick()
        await asyncio.sleep(TICK_SECONDS)

    async def close(self) -> None:
        """Leave the lease to another worker, and close what is open."""
        with suppress(*TROUBLE):
            await self._sweeper.lease.release()
        if self._listener is not None:
            self._listener.terminate()
        await self.queue.close()
        await self._context.client.aclose()
        await self._context.db.close()


def build(context: Context, queue: Queue, env: Mapping[str, str] = os.environ) -> Worker:
    """Put the parts together."""
    url = settings.text("CALLBACK_URL", "http://order/api/order/payments/callback", env)

    async def call_back(body: bytes, signature: str) -> None:
        headers = {SIGNATURE: signature, "content-type": "application/json"}
        try:
            await context.client.post(url, content=body, headers=headers, timeout=CALLBACK_TIMEOUT)
        except httpx.HTTPError as error:
            # As with any provider, a callback may never come: the sweeper asks.
            _log.info("callback lost", error=repr(error))

    consumer = Consumer(context, SimulatedProvider(context.db, context.callback_key, call_back))
    lease = Lease(context.db, "sweeper", context.settings.pod)
    return Worker(context, queue, consumer, Sweeper(context, consumer, lease))


def create(
    settings_: Settings, lifecycle: Lifecycle, env: Mapping[str, str] = os.environ, db: Database | None = None
) -> Starlette:
    """Build the process; its loops run from start to stop."""
    context = Context.read(settings_, env, db or Database(POOL))
    queue_url = settings.text("QUEUE_URL", "redis://valkey.data.svc.cluster.local:6379/0", env)

    worker = build(context, connect(queue_url, settings_.pod), env)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(worker.close)
            tasks = [asyncio.create_task(worker.run(step)) for step in worker.steps]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    schema = context.db.ready(len(migrations.load("order")))

    async def ready() -> str | None:
        return await schema() or worker.stuck()

    return application(settings_, health_routes(lifecycle, ready), lifespan=lifespan)
