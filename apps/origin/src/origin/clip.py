"""A pre-encoded fragmented MP4 clip as an endless camera.

The clip is cut at its fragments (one a segment). Serving segment N copies fragment N mod count and writes two things
into it: the sequence number (mfhd) and each track's decode time (tfdt, ISO/IEC 14496-12 8.8.12), so the timeline runs
on through the clip's loop with no discontinuity. Nothing is encoded at run time.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from origin.timeline import SEGMENT_SECONDS

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"moof", b"traf"})


class ClipError(ValueError):
    """The clip is not what the origin needs; the message says what."""


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes | memoryview, start: int = 0, end: int | None = None, base: int = 0) -> Iterator[_Box]:
    """Yield the ISO boxes of `data` depth first; offsets are counted from `base`.

    Raises
    ------
    ClipError
        When a box's size is impossible.
    """
    end = len(data) if end is None else end
    while start < end:
        if end - start < 8:
            raise ClipError(f"box header cut off at byte {base + start}")
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and end - start >= 16:
            (size,), head = struct.unpack_from(">Q", data, start + 8), 16
        if size < head or start + size > end:
            raise ClipError(f"box {kind!r} at byte {base + start} has impossible size {size}")
        yield _Box(kind, base + start, base + start + head, base + start + size)
        if kind in _CONTAINERS:
            yield from boxes(data, start + head, start + size, base)
        start += size


@dataclass(frozen=True)
class _Fragment:
    start: int
    end: int
    sequence_at: int
    decode_times: tuple[tuple[int, int, int], ...]
    """(offset of the 64-bit decode time, its value in the clip, timescale) of each track."""


class Clip:
    """An indexed clip; `segment` is cheap (one read of the page cache and a few patched bytes).

    Parameters
    ----------
    path : Path
        Fragmented MP4 with one fragment per `SEGMENT_SECONDS`, each starting with a key frame.

    Raises
    ------
    ClipError
        When the file is not such a clip.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb", buffering=0)
            data = self._file.read()
        except OSError as error:
            raise ClipError(f"{path}: {error.strerror}; the image's camera stage makes it") from error
        try:
            self.init, self._fragments = _index(data)
        except ClipError as error:
            raise ClipError(f"{path}: {error}") from error
        self.seconds = len(self._fragments) * SEGMENT_SECONDS

    def segment(self, number: int) -> bytes:
        """Return segment `number` (wall clock over segment length) of the endless stream."""
        loop, index = divmod(number, len(self._fragments))
        fragment = self._fragments[index]
        self._file.seek(fragment.start)
        data = bytearray(self._file.read(fragment.end - fragment.start))
        struct.pack_into(">I", data, fragment.sequence_at, (number + 1) & 0xFFFFFFFF)
        for at, value, timescale in fragment.decode_times:
            struct.pack_into(">Q", data, at, loop * self.seconds * timescale + value)
        return bytes(data)


def _index(data: bytes) -> tuple[bytes, list[_Fragment]]:
    found = list(boxes(data))
    init_end = next((b.end for b in found if b.kind == b"moov"), 0)
    timescales = _timescales(data, found)
    starts = [i for i, box in enumerate(found) if box.kind == b"moof"]
    bounds = itertools.pairwise([*starts, len(found)] if starts else [])
    fragments = [_fragment(data, found[i:j], timescales) for i, j in bounds]
    if not init_end or not fragments:
        raise ClipError("no moov or no fragment; encode it with -movflags frag_keyframe+empty_moov")
    for index, fragment in enumerate(fragments):
        _, value, timescale = fragment.decode_times[0]
        if value != index * SEGMENT_SECONDS * timescale:
            raise ClipError(f"fragment {index} does not start at {index * SEGMENT_SECONDS} s; set a fixed GOP")
    return data[:init_end], fragments


def _timescales(data: bytes, found: list[_Box]) -> dict[int, int]:
    """Ticks a second by track: tkhd holds the id and mdhd the timescale, both behind two times of 4 or 8 bytes."""
    values = {
        kind: [
            struct.unpack_from(">I", data, b.body + 4 + (16 if data[b.body] else 8))[0] for b in found if b.kind == kind
        ]
        for kind in (b"tkhd", b"mdhd")
    }
    return dict(zip(values[b"tkhd"], values[b"mdhd"], strict=True))


def _fragment(data: bytes, found: list[_Box], timescales: dict[int, int]) -> _Fragment:
    start = found[0].start
    of = {kind: [b.body for b in found if b.kind == kind] for kind in (b"mfhd", b"tfhd", b"tfdt")}
    end = next((b.end for b in found if b.kind == b"mdat"), 0)
    if not end or not of[b"mfhd"] or not of[b"tfdt"] or len(of[b"tfhd"]) != len(of[b"tfdt"]):
        raise ClipError(f"fragment at byte {start} lacks a part")
    times = []
    for header, time in zip(of[b"tfhd"], of[b"tfdt"], strict=True):
        if data[time] != 1:
            raise ClipError("decode times are 32 bits wide, which the wall clock does not fit")
        (track,) = struct.unpack_from(">I", data, header + 4)
        (value,) = struct.unpack_from(">Q", data, time + 4)
        times.append((time + 4 - start, value, timescales[track]))
    return _Fragment(start, end, of[b"mfhd"][0] + 4 - start, tuple(times))
