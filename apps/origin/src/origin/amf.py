"""AMF0, the notation of RTMP's commands (Adobe, AMF 0 specification, 2007): what a publisher sends, no more.

Reading is bounded in depth and number of values: it comes from whoever connects.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

Value: TypeAlias = "float | bool | str | list[Value] | dict[str, Value] | None"

MAX_DEPTH = 4
MAX_VALUES = 256


class AmfError(ValueError):
    """The bytes are no AMF0 that a publisher sends; the message says why."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.values = data, 0, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) < count:
            raise AmfError("a value is cut off")
        self.at += count
        return piece

    def number(self) -> float:
        return float(struct.unpack(">d", self.take(8))[0])

    def text(self, size: int = 2) -> str:
        return self.take(int.from_bytes(self.take(size), "big")).decode("utf-8", "replace")

    def value(self, depth: int = 0) -> Value:  # noqa: PLR0911  one for each type
        self.values += 1
        if depth > MAX_DEPTH or self.values > MAX_VALUES:
            raise AmfError("too many or too deep values")
        match self.take(1)[0]:
            case 0x00:
                return self.number()
            case 0x01:
                return self.take(1) != b"\0"
            case 0x02:
                return self.text()
            case 0x03:
                return self.members(depth)
            case 0x05 | 0x06:
                return None
            case 0x08:
                self.take(4)  # a hint of the size, which need not be true
                return self.members(depth)
            case 0x0A:
                return [self.value(depth + 1) for _ in range(min(self.count(), MAX_VALUES + 1))]
            case 0x0B:
                date = self.number()
                self.take(2)  # a time zone that is to be ignored
                return date
            case 0x0C:
                return self.text(4)
            case kind:
                raise AmfError(f"a value of type {kind:#04x}")

    def count(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def members(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while name := self.text():
            found[name] = self.value(depth + 1)
        if self.take(1) != b"\x09":
            raise AmfError("an object without its end")
        return found


def decode(data: bytes) -> list[Value]:
    """Return the values of a command.

    Raises
    ------
    AmfError
        When they are malformed or too many.
    """
    reader, found = _Reader(data), []
    while reader.at < len(data):
        found.append(reader.value())
    return found


def encode(*values: Value) -> bytes:
    """Return the notation of numbers, booleans, short strings, None and objects of those."""
    return b"".join(map(_encode, values))


def _encode(value: Value) -> bytes:
    match value:
        case bool():
            return b"\x01" + bytes([value])
        case int() | float():
            return b"\0" + struct.pack(">d", value)
        case str():
            return b"\x02" + _text(value)
        case None:
            return b"\x05"
        case dict():
            return b"\x03" + b"".join(_text(n) + _encode(v) for n, v in value.items()) + b"\0\0\x09"
        case _:
            raise TypeError(f"no notation here for {type(value).__name__}")


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw
