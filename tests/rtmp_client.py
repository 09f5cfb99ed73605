"""A publisher's side of RTMP, written out by hand, for tests of the server's."""

from __future__ import annotations

from origin import amf
from origin.chunks import message
from origin.rtmp import HANDSHAKE

CHUNK = 128


def greeting() -> bytes:
    """C0 and C1."""
    return b"\x03" + bytes(8) + (bytes(range(256)) * 6)[: HANDSHAKE - 8]


def command(name: str, *values: amf.Value, stream: int = 0) -> bytes:
    return message(3, 20, stream, amf.encode(name, *values), CHUNK)


def opening(app: str, key: str) -> bytes:
    """Everything up to the publish command, as OBS sends it (it does wait for answers in between)."""
    return (
        greeting()
        + bytes(HANDSHAKE)
        + command("connect", 1, {"app": app, "type": "nonprivate", "tcUrl": f"rtmp://localhost/{app}"})
        + command("releaseStream", 2, None, key)
        + command("FCPublish", 3, None, key)
        + command("createStream", 4, None)
        + command("publish", 5, None, key, "live", stream=1)
    )
