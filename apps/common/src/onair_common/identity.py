"""Who asks: viewers and sellers by a signed, expiring cookie; requests that change something by a token bound to it.

The cookie is readable and cannot be altered: no server keeps sessions, so either region knows every viewer.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from hmac import compare_digest
from typing import Literal

from itsdangerous import BadData, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import Scope

from onair_common.settings import SettingError, text

COOKIE = "__Host-onair"
SESSION_SECONDS = 12 * 3600
"""A session's length; web renews it when half is gone."""
NICKNAME_CHARACTERS = 24
KEY_CHARACTERS = 32
MAX_COOKIE = 1024
"""Characters; the longest honest cookie has less than half."""
KNOWN = 1024
"""Good cookies, and tokens, that are remembered: who buys asks many times, and the keys last as long as the process."""

Role = Literal["viewer", "seller"]
_ID = re.compile(r"[0-9a-f]{32}\Z")
# Controls, surrogates, line and paragraph separators; and what turns the direction of the text around it.
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def valid_nickname(nickname: str) -> bool:
    """Tell whether a nickname has 1 to 24 characters, something to see, and no control character."""
    return (
        0 < len(nickname) <= NICKNAME_CHARACTERS
        and not nickname.isspace()
        and not any(c in _DIRECTIONS or unicodedata.category(c) in _CONTROLS for c in nickname)
    )


@dataclass(frozen=True)
class Viewer:
    """Somebody with a session.

    Attributes
    ----------
    id : str
        32 hexadecimal digits.
    expires : int
        End of the session, Unix time in seconds.

    Raises
    ------
    ValueError
        If a field has a wrong value.
    """

    id: str
    nickname: str
    role: Role
    expires: int

    def __post_init__(self) -> None:
        if not _ID.match(self.id):
            raise ValueError("id: not 32 hexadecimal digits")
        if not valid_nickname(self.nickname):
            raise ValueError(f"nickname: not 1 to {NICKNAME_CHARACTERS} characters without controls")
        if self.role not in {"viewer", "seller"}:
            raise ValueError("role: neither viewer nor seller")
        if type(self.expires) is not int:
            raise ValueError("expires: not a whole number of seconds")


class _Signer(Signer):
    """HMAC-SHA-256; takes a signature in one spelling only (base64 has several for the same bytes)."""

    default_digest_method = staticmethod(hashlib.sha256)
    default_key_derivation = "hmac"

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Tell whether ``sig`` was made of ``value`` with one of the keys, in constant time."""
        given = sig.encode() if isinstance(sig, str) else sig
        try:
            exact = base64_encode(base64_decode(given)) == given
        except BadData:
            return False
        return exact and super().verify_signature(value, given)


class Sessions:
    """Issues and reads sessions.

    Parameters
    ----------
    keys : Sequence[str]
        Signing keys, newest first: the first signs, all are believed, so that a key can be replaced without signing
        anybody out (put the new one in front, take the old one away 12 h later).
    now : Callable
        Clock, Unix time in seconds.

    Raises
    ------
    SettingError
        If there is no key, or one is shorter than 32 characters.
    """

    def __init__(self, keys: Sequence[str], now: Callable[[], float] = time.time) -> None:
        if not keys or any(len(key) < KEY_CHARACTERS for key in keys):
            raise SettingError(f"SESSION_KEYS: one or more keys of {KEY_CHARACTERS} characters or more, newest first")
        oldest_first = [key.encode() for key in reversed(keys)]
        self._cookies = URLSafeSerializer(oldest_first, salt="onair.session", signer=_Signer)
        self._signers = [_Signer(key, salt="onair.csrf") for key in reversed(oldest_first)]
        self._now = now
        self._signed = lru_cache(KNOWN)(self._read_signed)  # who is refused raises, and is not remembered
        self._tokens_of = lru_cache(KNOWN)(self._make_tokens)

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Sessions:
        """Read the keys from SESSION_KEYS (Secret ``session-keys``): comma separated, newest first.

        Raises
        ------
        SettingError
            If it is not set or a key is too short.
        """
        return cls([key.strip() for key in text("SESSION_KEYS", env=env).split(",")])

    def issue(self, viewer: Viewer) -> str:
        """Return the cookie's value for a viewer."""
        return str(self._cookies.dumps(astuple(viewer)))

    def viewer(self, cookie: str | None) -> Viewer | None:
        """Return who a cookie belongs to; None when it is absent, forged or expired."""
        if not cookie or len(cookie) > MAX_COOKIE:
            return None
        try:
            found = self._signed(cookie)
        except (BadData, TypeError, ValueError):
            return None
        return found if found.expires > self._now() else None

    def _read_signed(self, cookie: str) -> Viewer:
        return Viewer(*self._cookies.loads(cookie))

    def of(self, connection: HTTPConnection | Scope) -> Viewer | None:
        """Return who sent a request or opened a WebSocket; None without a valid session."""
        asked = connection if isinstance(connection, HTTPConnection) else HTTPConnection(connection)
        # HTTP/2 may send one Cookie field a cookie.
        found = self.viewer(cookie_parser("; ".join(asked.headers.getlist("cookie"))).get(COOKIE))
        if found is not None:
            asked.scope["onair.viewer"] = found.id  # for the request's log line
        return found

    def csrf(self, viewer: Viewer) -> str:
        """Return the token that this viewer's forms and scripts send along.

        It outlives a renewal of the session, and a session at least; it ends within two sessions' time, so that one
        that got out (in a saved page, say) is not good for ever.
        """
        period = int(self._now() // SESSION_SECONDS)
        return f"{period}.{self._tokens_of(viewer.id, viewer.role, period)[0].decode()}"

    def csrf_valid(self, viewer: Viewer, token: str | None) -> bool:
        """Tell whether a token was made for this viewer in this role, and lately; in constant time."""
        period, _, signature = (token or "").partition(".")
        now = int(self._now() // SESSION_SECONDS)
        known = next((p for p in (now, now - 1) if str(p) == period), None)
        if known is None:
            return False
        given = signature.encode("utf-8", "replace")
        return any(compare_digest(given, token) for token in self._tokens_of(viewer.id, viewer.role, known))

    def _make_tokens(self, viewer: str, role: Role, period: int) -> list[bytes]:
        """Return the signature with each key, the newest first."""
        return [signer.get_signature(f"{period} {role} {viewer}".encode()) for signer in self._signers]
