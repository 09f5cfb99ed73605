"""What is done about each message; every one may come twice, and then changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from onair_common.peer import PeerAway
from order import forwarding, orders, transfers
from order.context import Context
from order.machine import Outcome
from order.orders import Actor
from order.payment import Provider, ProviderAway
from worker.queue import Message

_log = structlog.get_logger("consumer")


class Later(Exception):
    """It cannot be done now; the message comes again."""


class Consumer:
    """Handles messages; anything but `Later` and database trouble means that it is done."""

    def __init__(self, context: Context, provider: Provider) -> None:
        self._context, self._provider = context, provider
        settings = context.settings
        self._actor = Actor("worker", f"worker {settings.region}/{settings.pod}")
        self._topics: dict[str, Callable[[Message], Awaitable[None]]] = {
            "payment": lambda m: self.charge(m["key"]),
            "callback": lambda m: self.settle(m["key"], m["outcome"], Actor("provider", m.get("origin", "callback"))),
            "transfer": lambda m: self.deliver(m["id"]),
            "forward": lambda m: self.forward(m["key"]),
            "sale-closed": lambda m: self.close(m["sale"]),
        }

    async def handle(self, message: Message) -> None:
        """Do what a message asks for.

        Raises
        ------
        Later
            When the other region or the provider is away.
        """
        work = self._topics.get(message.get("topic", ""))
        if work is None:
            # A later release's: this one cannot know it, and must not stand in its way.
            _log.warning("unknown topic", topic=message.get("topic"))
            return
        await work(message)

    async def charge(self, key: str) -> None:
        """Ask the provider for an order's money; without an answer the sweeper asks what became of it."""
        rows = await self._context.db.fetch(
            "SELECT minor, currency, token FROM orders WHERE key = $1 AND state = 'paying'", key
        )
        if not rows:
            return
        order = rows[0]
        try:
            outcome = await self._provider.charge(key, order["minor"], order["currency"], order["token"])
        except ProviderAway as error:
            _log.info("provider away", order=key, error=str(error))
            return
        await self.settle(key, outcome, self._actor)

    async def settle(self, key: str, outcome: Outcome, actor: Actor) -> None:
        """Let the provider's word take effect; money for an order that was given up goes back first."""
        async with self._context.db.transaction() as connection:
            following = await orders.settle(connection, self._context.region, key, outcome, actor)
            if following == "refunded":
                try:
                    await self._provider.refund(key)
                except ProviderAway as error:
                    raise Later(str(error)) from error

    async def sweep(self, key: str, give_up_seconds: float) -> None:
        """See to an order that is being paid for long: ask the provider, charge again with the same key, or give up."""
        try:
            outcome = await self._provider.outcome(key)
        except ProviderAway:
            return
        if outcome is not None:
            await self.settle(key, outcome, self._actor)
            return
        async with self._context.db.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT created_at < now() - make_interval(secs => $2) AS old FROM orders"
                " WHERE key = $1 AND state = 'paying' FOR UPDATE",
                *(key, give_up_seconds),
            )
            if row is not None and row["old"]:
                reason = "the provider never heard of it"
                change = orders.change(
                    connection, self._context.region, key, "cancelled", actor=self._actor, reason=reason
                )
                await change
                return
        await self.charge(key)

    async def deliver(self, transfer: str) -> None:
        """Tell the other region of a transfer, and write down whether it received or refused it."""
        told = await transfers.message(self._context.db, transfer)
        if told is None:
            return
        answer = await self._tell("/peer/transfers", told)
        async with self._context.db.transaction() as connection:
            await transfers.conclude(connection, transfer, answer["verdict"])

    async def forward(self, key: str) -> None:
        """Hand an order over that the other region has to decide."""
        try:
            await forwarding.hand_over(self._context, key)
        except PeerAway as error:
            raise Later(str(error)) from error

    async def close(self, sale: str) -> None:
        """Tell the other region that a sale is closed; a transfer that is still under way carries it as well."""
        await self._tell(f"/peer/sales/{sale}/close", {})

    async def _tell(self, path: str, body: Message) -> Message:
        try:
            answer = await self._context.peer.post(path, body)
        except PeerAway as error:
            raise Later(str(error)) from error
        if answer.status_code != 200:
            raise Later(f"{path}: status {answer.status_code}")
        told: Message = answer.json()
        return told
