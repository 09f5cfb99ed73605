"""The payment provider as an interface, and the signature of its callbacks."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from typing import Protocol

from order.machine import Outcome

TOLERANCE_SECONDS = 300
SIGNATURE = "x-onair-signature"
_SIGNATURE = re.compile(r"t=(?P<at>\d{1,12}),v1=(?P<mac>[0-9a-f]{64})\Z")


class ProviderAway(Exception):
    """The provider gave no answer: whether it charged is not known; ask again with the same key."""


class Provider(Protocol):
    """What takes the money. An order's key is the idempotency key: it is charged once, however often it is asked."""

    async def charge(self, key: str, minor: int, currency: str, token: str) -> Outcome:
        """Charge an amount in minor units; raises `ProviderAway` when no answer came."""
        ...

    async def outcome(self, key: str) -> Outcome | None:
        """Return what became of a charge, None when the provider never heard of it; may raise `ProviderAway`."""
        ...

    async def refund(self, key: str) -> None:
        """Return the money of a charge; again is as once. May raise `ProviderAway`."""
        ...


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the signature header of a callback sent at Unix time `at`."""
    mac = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def signed(secret: str, body: bytes, header: str, now: float | None = None) -> bool:
    """Tell whether the provider signed this body within the last five minutes (compared in constant time)."""
    match = _SIGNATURE.match(header)
    if not match or abs((time.time() if now is None else now) - int(match["at"])) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(sign(secret, body, int(match["at"])), header)
