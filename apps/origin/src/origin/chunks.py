"""RTMP's chunk stream (RTMP 1.0, section 5.3): messages cut into chunks, several streams of them interleaved."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_STREAMS = 12
"""Chunk streams of one connection; a publisher uses about five, and each may hold a message that is not whole."""
_DEFAULT_CHUNK = 128
_MIN_CHUNK, _MAX_CHUNK = 64, 0xFFFFFF
_EXTENDED = 0xFFFFFF
_HEADER_BYTES = (11, 7, 3, 0)


class RtmpError(ValueError):
    """What came is no RTMP that a publisher sends; the message says why and never repeats what came."""


@dataclass(frozen=True)
class Message:
    """A whole message; the timestamp is in milliseconds."""

    kind: int
    timestamp: int
    payload: bytes


@dataclass
class _Stream:
    timestamp: int = 0
    delta: int = 0
    length: int = 0
    kind: int = 0
    extended: bool = False
    known: bool = False
    payload: bytearray = field(default_factory=bytearray)


class Chunks:
    """Puts messages together again.

    Parameters
    ----------
    limit : int
        Largest message in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = _DEFAULT_CHUNK
        self._streams: dict[int, _Stream] = {}

    def next(self, buffer: bytearray) -> Message | None:
        """Take chunks off the buffer until a message is whole; None when more bytes are needed.

        Raises
        ------
        RtmpError
            When a chunk is impossible or too large.
        """
        at = 0
        try:
            while (step := self._chunk(buffer, at)) is not None:
                at, done = step
                if done and (found := self._own(done)):
                    return found
            return None
        finally:
            del buffer[:at]

    def _own(self, done: Message) -> Message | None:
        """Obey the messages that steer the chunk stream itself; return all others."""
        if done.kind == 1:
            size = int.from_bytes(done.payload[:4], "big")
            if len(done.payload) < 4 or not _MIN_CHUNK <= size <= _MAX_CHUNK:
                raise RtmpError(f"a chunk size of {size} bytes")
            self._size = size
            return None
        if done.kind == 2 and len(done.payload) >= 4:
            if stream := self._streams.get(int.from_bytes(done.payload[:4], "big")):
                stream.payload.clear()
            return None
        return done

    def _chunk(self, data: bytearray, at: int) -> tuple[int, Message | None] | None:
        """Read one chunk: where it ends, and the message that it completes; None when it is not all there."""
        if (basic := _basic(data, at)) is None:
            return None
        form, number, at = basic
        known = self._streams.get(number)
        stream = known or _Stream()
        if not stream.known and form != 0:
            raise RtmpError("a chunk stream that begins without a full header")
        if len(data) < at + _HEADER_BYTES[form] + 4:  # at most an extended timestamp follows
            extended = _extended(data, at, form, stream)
            if extended is None or len(data) < at + _HEADER_BYTES[form] + 4 * extended:
                return None
        fresh, at = _header(data, at, form, stream)
        if fresh.length > self.limit:
            raise RtmpError(f"a message of {fresh.length} bytes, {self.limit} are allowed")
        take = min(self._size, fresh.length - len(stream.payload))
        if len(data) < at + take:
            return None
        if known is None and len(self._streams) >= MAX_STREAMS:
            raise RtmpError(f"more than {MAX_STREAMS} chunk streams")
        fresh.payload += data[at : at + take]
        self._streams[number] = fresh
        at += take
        if len(fresh.payload) < fresh.length:
            return at, None
        done = Message(fresh.kind, fresh.timestamp, bytes(fresh.payload))
        fresh.payload = bytearray()
        return at, done


def _basic(data: bytearray, at: int) -> tuple[int, int, int] | None:
    """Read a basic header: format, chunk stream and where the message header begins."""
    if len(data) <= at:
        return None
    form, number = data[at] >> 6, data[at] & 0x3F
    size = {0: 2, 1: 3}.get(number, 1)
    if len(data) < at + size:
        return None
    if size > 1:
        number = 64 + int.from_bytes(data[at + 1 : at + size], "little")
    return form, number, at + size


def _extended(data: bytearray, at: int, form: int, stream: _Stream) -> bool | None:
    """Tell whether an extended timestamp follows the header; None when that cannot be read yet."""
    if form == 3:
        return stream.extended
    return None if len(data) < at + 3 else int.from_bytes(data[at : at + 3], "big") == _EXTENDED


def _header(data: bytearray, at: int, form: int, old: _Stream) -> tuple[_Stream, int]:
    """Return the stream as the header at an offset makes it, and where its payload begins.

    The old state stays as it is: the chunk may not be all there yet.
    """
    going_on = bool(old.payload)
    new = _Stream(old.timestamp, old.delta, old.length, old.kind, old.extended, True, old.payload)
    if form < 3:
        if going_on:
            raise RtmpError("a new message before the last one on its chunk stream was whole")
        time = int.from_bytes(data[at : at + 3], "big")
        new.extended = time == _EXTENDED
        if form < 2:
            new.length, new.kind = int.from_bytes(data[at + 3 : at + 6], "big"), data[at + 6]
    at += _HEADER_BYTES[form]
    if new.extended:
        given = int.from_bytes(data[at : at + 4], "big")
        at += 4
        if form < 3:
            time = given
    if form == 0:
        new.timestamp, new.delta = time, 0
    elif form < 3:
        new.delta = time
    if form in (1, 2) or (form == 3 and not going_on):
        new.timestamp = (new.timestamp + new.delta) & 0xFFFFFFFF
    return new, at


def message(stream: int, kind: int, message_stream: int, payload: bytes, chunk: int) -> bytes:
    """Return a message as chunks of at most ``chunk`` bytes on a low-numbered chunk stream, at timestamp 0."""
    head = bytes([stream]) + bytes(3) + len(payload).to_bytes(3, "big") + bytes([kind])
    head += message_stream.to_bytes(4, "little")
    pieces = [payload[i : i + chunk] for i in range(0, len(payload), chunk)] or [b""]
    return head + bytes([0xC0 | stream]).join(pieces)
