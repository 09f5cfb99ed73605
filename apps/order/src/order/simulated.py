"""A payment provider that is none: a ledger in this database, and tokens that say how a charge goes.

``tok-decline…`` is declined; ``tok-timeout…`` is charged, but the answer is lost and only a callback tells;
``tok-lost…`` never arrives; ``tok-twice…`` is charged and called back twice; any other token is charged, and called
back once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable

from onair_common.database import Database
from order.machine import Outcome
from order.payment import ProviderAway, sign

Callback = Callable[[bytes, str], Awaitable[None]]
"""Sends a callback's body and signature to the merchant."""
Outcomes: dict[str, Outcome] = {"charged": "charged", "refunded": "charged", "declined": "declined"}


class SimulatedProvider:
    """See the module; implements `order.payment.Provider`."""

    def __init__(self, database: Database, secret: str, callback: Callback) -> None:
        self._db, self._secret, self._callback = database, secret, callback

    async def charge(self, key: str, minor: int, currency: str, token: str) -> Outcome:
        """Charge once a key, and call back."""
        if token.startswith("tok-lost"):
            raise ProviderAway("the request was lost on its way")
        wanted: Outcome = "declined" if token.startswith("tok-decline") else "charged"
        rows = await self._db.fetch(
            "INSERT INTO provider.charges (key, minor, currency, outcome) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (key) DO UPDATE SET asked = charges.asked + 1 RETURNING outcome, asked",
            *(key, minor, currency, wanted),
        )
        outcome = Outcomes[rows[0]["outcome"]]
        if rows[0]["asked"] == 1:
            for _ in range(2 if token.startswith("tok-twice") else 1):
                await self._tell(key, outcome)
        if token.startswith("tok-timeout"):
            raise ProviderAway("the answer was lost on its way")
        return outcome

    async def outcome(self, key: str) -> Outcome | None:
        """Look the key up in the ledger."""
        rows = await self._db.fetch("SELECT outcome FROM provider.charges WHERE key = $1", key)
        return Outcomes[rows[0]["outcome"]] if rows else None

    async def refund(self, key: str) -> None:
        """Mark the charge as returned."""
        await self._db.fetch(
            "UPDATE provider.charges SET outcome = 'refunded' WHERE key = $1 AND outcome = 'charged'", key
        )

    async def _tell(self, key: str, outcome: Outcome) -> None:
        body = json.dumps({"event": f"evt-{key}", "order": key, "outcome": outcome}).encode()
        await self._callback(body, sign(self._secret, body, int(time.time())))
