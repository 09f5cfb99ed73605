"""RTMP as a publisher speaks it to a server (Adobe, RTMP 1.0, 2012). Bytes in, events and answers out; no I/O.

Of the protocol there is what OBS and ffmpeg use to publish one stream. Everything that arrives is bounded, tightly so
until the stream key has been accepted.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from origin import amf
from origin.chunks import Chunks, Message, RtmpError, message

HANDSHAKE = 1536
VERSION = 3
MAX_BYTES_BEFORE_PUBLISH = 64 << 10
MAX_MEDIA_BYTES = 4 << 20
"""Largest message of a publication: a key frame of 4 MiB is 8 times one of a 12 Mbit/s stream."""
_MAX_COMMAND_BYTES = 8 << 10
_WINDOW = 2_500_000
_OUT_CHUNK = 4096
_SET_CHUNK, _ACK, _CONTROL, _WINDOW_ACK, _PEER_BANDWIDTH = 1, 3, 4, 5, 6
AUDIO, VIDEO = 8, 9
_COMMANDS = {17: 1, 20: 0}
"""Type of a command's message → bytes before its AMF0 (AMF3 commands begin with a zero)."""
_STREAM = 1


@dataclass(frozen=True)
class Publish:
    """The publisher asks to publish; `Session.accept` or `Session.refuse` answers."""

    app: str
    key: str

    def __repr__(self) -> str:
        return f"Publish(app={self.app!r})"  # never the key


@dataclass(frozen=True)
class Media:
    """One audio or video message: the body of an FLV tag; the timestamp is in milliseconds."""

    kind: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True)
class End:
    """The publisher says that it has finished."""


Event = Publish | Media | End


class Session:
    """The server's side of one connection.

    Use: `receive` what came, go through `events`, send what `answers` returns.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._out = bytearray()
        self._stage = 0  # 0: C0 and C1 are awaited; 1: C2; 2: chunks
        self._chunks = Chunks(_MAX_COMMAND_BYTES)
        self._app: str | None = None
        self._transaction: amf.Value = 0.0
        self._asked = self.publishing = False
        self._received = self._acknowledged = 0
        self._window = _WINDOW
        self._events: deque[Event] = deque()

    def receive(self, data: bytes) -> None:
        """Take bytes from the publisher.

        Raises
        ------
        RtmpError
            When there are more of them than a publisher needs to say who it is.
        """
        self._buffer += data
        self._received += len(data)
        if not self.publishing and self._received > MAX_BYTES_BEFORE_PUBLISH + 2 * HANDSHAKE:
            raise RtmpError(f"more than {MAX_BYTES_BEFORE_PUBLISH} bytes without a publish command")
        if self._stage == 2 and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._send(_ACK, (self._received & 0xFFFFFFFF).to_bytes(4, "big"))

    def events(self) -> Iterator[Event]:
        """Yield what the publisher said, one by one; after `Publish` nothing follows until it is answered.

        Raises
        ------
        RtmpError
            When it is no RTMP, or none that a publisher sends.
        """
        while self._stage < 2 and self._handshake():
            pass
        while self._stage == 2:
            if self._events:
                yield self._events.popleft()
            elif self._asked and not self.publishing:
                return  # what came after the publish command waits for the answer to it
            elif found := self._chunks.next(self._buffer):
                self._handle(found)
            else:
                return

    def answers(self) -> bytes:
        """Return what is to be sent to the publisher now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def accept(self) -> None:
        """Let the publication begin; from now on large messages are taken."""
        self.publishing = True
        self._chunks.limit = MAX_MEDIA_BYTES
        self._control(0)  # stream begins
        self._status("status", "NetStream.Publish.Start", "publishing")

    def refuse(self, description: str) -> None:
        """Say that the stream may not be published; the connection is to be closed then."""
        self._status("error", "NetStream.Publish.BadName", description)

    def dismiss(self, description: str) -> None:
        """Say that the publication ends here; the connection is to be closed then."""
        self._status("status", "NetStream.Unpublish.Success", description)

    def _handshake(self) -> bool:
        wanted = HANDSHAKE + (1 - self._stage)
        if self._stage == 0 and self._buffer and self._buffer[0] != VERSION:
            raise RtmpError(f"the first byte is {self._buffer[0]}, not RTMP's {VERSION}")
        if len(self._buffer) < wanted:
            return False
        if self._stage == 0:
            # S0, S1 and S2, the echo of C1.
            self._out += bytes([VERSION]) + bytes(8) + os.urandom(HANDSHAKE - 8) + self._buffer[1:wanted]
        del self._buffer[:wanted]
        self._stage += 1
        return True

    def _handle(self, got: Message) -> None:
        match got.kind:
            case 5 if len(got.payload) >= 4:
                self._window = max(int.from_bytes(got.payload[:4], "big"), 1 << 16)
            case 17 | 20:
                self._command(got.payload[_COMMANDS[got.kind] :])
            case 8 | 9 if self.publishing and got.payload:
                self._events.append(Media(got.kind, got.timestamp, got.payload))
            case 22:
                raise RtmpError("aggregate messages, which neither OBS nor ffmpeg sends")
            case _:
                pass  # metadata, acknowledgements, pings: nothing hangs on them

    def _command(self, payload: bytes) -> None:
        try:
            name, *arguments = amf.decode(payload)
        except ValueError as error:
            raise RtmpError(f"a command that cannot be read: {error}") from error
        transaction = arguments[0] if arguments else None
        match name:
            case "connect":
                self._connect(transaction, arguments)
            case "createStream":
                self._call("_result", transaction, None, float(_STREAM))
            case "releaseStream" | "FCPublish":
                self._call("_result", transaction, None, None)
            case "publish":
                self._publish(arguments)
            case "FCUnpublish" | "deleteStream" | "closeStream":
                self._events.append(End())
            case "play" | "play2":
                raise RtmpError("it wants to play; viewers watch by HLS")
            case _:
                pass

    def _connect(self, transaction: amf.Value, arguments: list[amf.Value]) -> None:
        given = arguments[1] if len(arguments) > 1 else None
        app = given.get("app") if isinstance(given, dict) else None
        if not isinstance(app, str) or self._app is not None:
            raise RtmpError("a connect command without an application, or a second one")
        self._app = app.strip("/")
        self._send(_WINDOW_ACK, _WINDOW.to_bytes(4, "big"))
        self._send(_PEER_BANDWIDTH, _WINDOW.to_bytes(4, "big") + b"\x02")
        self._send(_SET_CHUNK, _OUT_CHUNK.to_bytes(4, "big"))
        about: amf.Value = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0}
        info: amf.Value = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "connected",
            "objectEncoding": 0.0,
        }
        self._call("_result", transaction, about, info)

    def _publish(self, arguments: list[amf.Value]) -> None:
        key = arguments[2] if len(arguments) > 2 else None
        if self._app is None or not isinstance(key, str) or self._asked:
            raise RtmpError("a publish command before connect, without a stream key, or a second one")
        self._asked = True
        self._events.append(Publish(self._app, key))

    def _call(self, name: str, *values: amf.Value) -> None:
        self._out += message(3, 20, 0, amf.encode(name, *values), _OUT_CHUNK)

    def _status(self, level: str, code: str, description: str) -> None:
        info: amf.Value = {"level": level, "code": code, "description": description}
        self._out += message(5, 20, _STREAM, amf.encode("onStatus", 0.0, None, info), _OUT_CHUNK)

    def _control(self, event: int) -> None:
        self._send(_CONTROL, event.to_bytes(2, "big") + _STREAM.to_bytes(4, "big"))

    def _send(self, kind: int, payload: bytes) -> None:
        self._out += message(2, kind, 0, payload, _OUT_CHUNK)
