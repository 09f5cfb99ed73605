"""A seller's sign-in under way: what the browser keeps of it, and how it ends."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from itsdangerous import BadData, URLSafeTimedSerializer

from onair_common.settings import text

FLOW_COOKIE = "__Host-onair-sign-in"
"""Secure, HttpOnly, SameSite=Lax, Path=/: the issuer sends the browser back by a top-level GET."""
FLOW_SECONDS = 600

Reason = Literal["refused", "stale", "invalid", "away"]


class SignInError(Exception):
    """A sign-in did not succeed.

    Attributes
    ----------
    reason : str
        ``refused``: the issuer or its user said no. ``stale``: the issuer does not know the code (used, too old, or
        begun in a region that is lost): begin again. ``invalid``: state, token or answer is wrong, as in an attack.
        ``away``: the issuer does not answer.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason


@dataclass(frozen=True)
class Flow:
    """A sign-in under way.

    Attributes
    ----------
    after : str
        Path on the shop's own host where the browser goes at the end.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    after: str


@dataclass(frozen=True)
class Account:
    """Who signed in.

    Attributes
    ----------
    id : str
        32 hexadecimal digits, the same at every sign-in and in every region: a hash of issuer and subject.
    """

    id: str
    nickname: str


class Flows:
    """Seals sign-ins under way into a cookie, and opens it within ten minutes.

    Parameters
    ----------
    keys : list of str
        As for :class:`onair_common.identity.Sessions`, newest first.
    """

    def __init__(self, keys: list[str]) -> None:
        oldest_first = [key.encode() for key in reversed(keys)]
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._sealed = URLSafeTimedSerializer(oldest_first, salt="onair.sign-in", signer_kwargs=options)

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Flows:
        """Read the keys from SESSION_KEYS.

        Raises
        ------
        SettingError
            If it is not set.
        """
        return cls([key.strip() for key in text("SESSION_KEYS", env=env).split(",")])

    def seal(self, flow: Flow) -> str:
        """Return the cookie's value."""
        return str(self._sealed.dumps(asdict(flow)))

    def open(self, cookie: str | None) -> Flow | None:
        """Return the sign-in of a cookie; None when it is absent, forged or too old."""
        try:
            return Flow(**self._sealed.loads(cookie or "", max_age=FLOW_SECONDS))
        except (BadData, TypeError):
            return None


def own_path(after: str) -> str:
    """Return a path on the shop's own host: ``after`` when it is one, else ``/`` (no open redirect)."""
    plain = after.startswith("/") and not after.startswith(("//", "/\\"))
    return after if plain and after.isascii() and after.isprintable() and len(after) <= 500 else "/"
