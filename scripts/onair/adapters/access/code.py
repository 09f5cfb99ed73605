"""Codes by which people sign in to Argo CD of the local regions, where no issuer of the organisation's is."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

SECRET, KEY = ("argocd", "people-codes"), "CODES_KEY"
"""Where the key lies that the issuer believes (infrastructure/people)."""
AUDIENCE = "argo-cd"
VALID = dt.timedelta(minutes=5)
"""Time to type it in; the issuer believes none of more than ten minutes (infrastructure/toolchain/dex/codes.go)."""


def code(key: str, name: str, groups: Sequence[str], now: dt.datetime, valid: dt.timedelta = VALID) -> str:
    """Return a code that says who somebody is: a JSON Web Token, good once and for ``valid``.

    Parameters
    ----------
    key
        What the issuer verifies it with (HS256): at least 32 bytes.
    """
    claims: dict[str, Any] = {"sub": name, "groups": list(groups), "aud": AUDIENCE, "jti": secrets.token_hex(16)}
    claims |= {"iat": int(now.timestamp()), "exp": int((now + valid).timestamp())}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))
