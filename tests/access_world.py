"""People and keys of tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from onair.core.access.people import FILE

TODAY = date(2026, 11, 29)


def key() -> str:
    """Return the public half of a new key, as a .pub file has it."""
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " test"


def person(name: str, uid: int, **changes: Any) -> dict[str, Any]:
    """Return an entry of the people's file."""
    entry = {"name": name, "uid": uid, "called": name.title(), "groups": ["operator"], "until": date(2027, 6, 30)}
    return entry | {"keys": [key()]} | changes


PEOPLE: dict[str, Any] = {
    "apiVersion": "onair.dev/v1",
    "kind": "People",
    "metadata": {"name": "people"},
    "spec": {
        "groups": {
            "platform-admin": {"gid": 2001, "about": "all", "sudo": True},
            "operator": {"gid": 2002, "about": "some"},
            "developer": {"gid": 2003, "about": "less"},
            "auditor": {"gid": 2004, "about": "looks"},
        },
        "people": [person("jiwoo", 3001, groups=["platform-admin"]), person("sam", 3002)],
    },
}


def write(folder: Path, content: dict[str, Any]) -> Path:
    """Write a people's file below ``folder`` and return its path."""
    file = folder / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file
