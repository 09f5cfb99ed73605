"""WebSockets that many readers share: a frame is encoded once and the same bytes go to every socket.

A service asks for them by a module constant ``WEBSOCKETS`` beside its ``create``. Its handler finds the `Writer` of
its connection in the scope: ``scope["extensions"][WRITER]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

WRITER = "onair.writer"
MAX_UNSENT_BYTES = 256 * 1024
"""What may wait for a slow reader; with more it is dropped, so that it costs the others no memory."""

DROPPED = Counter("websocket_slow_readers", "Sockets dropped because too much waited for their reader.")


@dataclass(frozen=True)
class WebSocketOptions:
    """How a service's WebSockets are kept.

    Attributes
    ----------
    max_size : int
        Bytes of the largest message taken from a client; a larger one closes the socket with 1009.
    ping_seconds : float
        Between pings, and how long an answer may take.
    """

    max_size: int
    ping_seconds: float = 20.0


class Writer(Protocol):
    """The sending side of one socket."""

    def write_frames(self, data: bytes) -> bool:
        """Send encoded frames without waiting; False when the socket is gone, or was too slow and is dropped."""


def text_frame(text: bytes) -> bytes:
    """Return one unmasked text frame, as a server sends it."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


class SharedFrames(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol that also writes frames made elsewhere (no compression: bytes differ by socket)."""

    def handle_connect(self, event: Request) -> None:
        """Begin a connection and offer its writer to the handler, whose task runs after this."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = self.scope["extensions"]
            assert extensions is not None  # noqa: S101  uvicorn always sets them
            extensions[WRITER] = self  # type: ignore[assignment]  # not a plain value: for this process only

    def write_frames(self, data: bytes) -> bool:
        """Send encoded frames without waiting; False when the socket is gone, or was too slow and is dropped."""
        if self.close_sent or not self.handshake_complete or self.transport.is_closing():
            return False
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            DROPPED.inc()
            self.transport.abort()
            return False
        self.transport.write(data)
        return True
