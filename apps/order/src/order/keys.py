"""Idempotency keys that carry their home region, and fingerprints of what was asked with them."""

from __future__ import annotations

import hashlib
import json
import re
import uuid

_KEY = re.compile(r"(?P<region>[a-z]{2})-[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\Z")


def home_of(key: str) -> str | None:
    """Return the home region of a key ``<region>-<uuid4 hex>``; None when it is no such key."""
    match = _KEY.match(key)
    return match["region"] if match else None


def new(region: str) -> str:
    """Return a new key at home in a region."""
    return f"{region}-{uuid.uuid4().hex}"


def fingerprint(*asked: object) -> bytes:
    """Return 16 bytes that tell one request's content from another's, whatever the order of its fields."""
    raw = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(raw.encode("utf-8", "surrogatepass"), digest_size=16).digest()
