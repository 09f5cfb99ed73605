"""What client and service say to each other, as text of WebSocket messages. Pure.

Every message is one JSON object with a ``type``. openapi.yaml describes them all.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

MAX_CHARACTERS = 200
MAX_BYTES = 8192
"""Of one message from a client: 200 characters, each escaped as two surrogates, and what is around them."""
MAX_MUTE_SECONDS = 24 * 3600
ROOM = re.compile(r"[a-z0-9-]{1,40}\Z")
_REF = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
_ID = re.compile(r"([a-z]{2,8})-([1-9][0-9]{0,15})\Z")
_VIEWER = re.compile(r"[0-9a-f]{32}\Z")
_AFTER = re.compile(r"([a-z]{2,8}):([0-9]{1,15})\Z")
# Controls, surrogates, private use, separators of lines; and what turns the direction of the text around it.
_CONTROLS = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Kind = Literal["m", "d", "x", "t"]
"""Of an entry in a room's stream: message, deleted, muted, and (between regions only) trimmed."""


class Refused(Exception):
    """A client's message is refused.

    Attributes
    ----------
    reason : str
        One of the reasons that openapi.yaml lists; the page has the words for it.
    """

    def __init__(self, reason: str, ref: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.ref = reason, ref


@dataclass(frozen=True)
class Say:
    """A text for everybody."""

    ref: str
    text: str


@dataclass(frozen=True)
class Delete:
    """A seller takes a message away."""

    ref: str | None
    message: str


@dataclass(frozen=True)
class Mute:
    """A seller silences a viewer in this room for some seconds."""

    ref: str | None
    viewer: str
    seconds: int


def parse(raw: str) -> Say | Delete | Mute:
    """Read a client's message.

    Raises
    ------
    Refused
        ``format`` when it is none, ``text`` when the text of a message may not be said.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refused("format") from error
    if not isinstance(body, dict):
        raise Refused("format")
    given = body.get("ref")
    ref = given if isinstance(given, str) and _REF.match(given) else None
    match body.get("type"):
        case "say" if ref is not None:
            return Say(ref, clean(body.get("text"), ref))
        case "delete" if isinstance(message := body.get("id"), str) and _ID.match(message):
            return Delete(ref, message)
        case "mute" if isinstance(viewer := body.get("viewer"), str) and _VIEWER.match(viewer):
            seconds = body.get("seconds")
            if type(seconds) is int and 1 <= seconds <= MAX_MUTE_SECONDS:
                return Mute(ref, viewer, seconds)
    raise Refused("format", ref)


def clean(text: object, ref: str | None = None) -> str:
    """Return a text in NFC without spaces around it.

    Raises
    ------
    Refused
        ``text`` when it has not 1 to 200 characters, or controls.
    """
    if not isinstance(text, str):
        raise Refused("format", ref)
    whole = unicodedata.normalize("NFC", text).strip()
    categories = {unicodedata.category(c) for c in whole}
    # Unassigned (Cn) may be seen all the same: emoji are younger than this Python.
    seen = any(category[0] in "LNPS" or category == "Cn" for category in categories)
    if not seen or len(whole) > MAX_CHARACTERS or categories & _CONTROLS or not _DIRECTIONS.isdisjoint(whole):
        raise Refused("text", ref)
    return whole


def after(value: str | None, regions: Collection[str]) -> dict[str, int] | None:
    """Read ``kr:12,us:7``: the last sequence number that a returning client has seen, by home region.

    Raises
    ------
    ValueError
        When it is malformed or names another region.
    """
    if value is None:
        return None
    seen: dict[str, int] = {}
    for part in value.split(",") if value else ():
        match = _AFTER.match(part)
        if not match or match[1] not in regions or match[1] in seen:
            raise ValueError("after: give the last number seen by region, such as kr:12,us:7")
        seen[match[1]] = int(match[2])
    return {region: seen.get(region, 0) for region in regions}


def message_id(home: str, seq: int) -> str:
    """Return the id of a message: its home region and its number there."""
    return f"{home}-{seq}"


def split_id(message: str) -> tuple[str, int]:
    """Return home region and number of a message's id (one that `parse` let pass)."""
    home, _, seq = message.rpartition("-")
    return home, int(seq)


def instant(unix: float) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(**event: Any) -> bytes:
    """Return an event as JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def with_id(home: str, seq: int, body: bytes) -> bytes:
    """Return a stored message (JSON of an object with more than nothing in it) with its id, without reading it."""
    return b'{"id":"%s-%d",' % (home.encode(), seq) + body[1:]
