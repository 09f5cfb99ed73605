"""Fragmented MP4 as it comes out of ffmpeg's pipe: the init section once, then fragments moved onto the wall clock."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from origin.clip import ClipError, boxes

MAX_BOX_BYTES = 16 << 20
_NOT_SYNC = 0x10000


class FragmentError(ValueError):
    """ffmpeg's output is not what was asked for."""


@dataclass(frozen=True)
class Fragment:
    """One or more movie fragments that begin with a picture.

    Attributes
    ----------
    start, duration : float
        Seconds on the publication's own clock, of the video.
    independent : bool
        Whether it begins with a key frame.
    """

    start: float
    duration: float
    independent: bool
    data: bytes


@dataclass
class _Track:
    timescale: int
    video: bool
    shift: int


class FragmentReader:
    """Cuts a stream of bytes into init section and fragments.

    Parameters
    ----------
    anchor_ms : int
        Unix time in milliseconds of the publication's time 0: added to every decode time.
    """

    def __init__(self, anchor_ms: int) -> None:
        self.init = b""
        self._anchor_ms = anchor_ms
        self._buffer = bytearray()
        self._tracks: dict[int, _Track] = {}
        self._held = b""
        """A fragment without a picture: it goes before the next one that has one."""

    def receive(self, data: bytes) -> Iterator[Fragment]:
        """Take bytes and yield the fragments that are whole.

        Raises
        ------
        FragmentError
            When the bytes are no such stream.
        """
        self._buffer += data
        while box := self._box():
            kind = box[4:8]
            if kind in {b"ftyp", b"moov"}:
                self.init += box
                if kind == b"moov":
                    self._read_tracks(box)
            elif kind == b"moof":
                if not self._tracks:
                    raise FragmentError("a fragment before the init section")
                self._moof = bytearray(box)
            elif kind == b"mdat" and (found := self._fragment(box)):
                yield found

    _moof: bytearray | None = None

    def _box(self) -> bytes:
        """Take one whole box off the buffer; empty when there is none."""
        if len(self._buffer) < 8:
            return b""
        size = int.from_bytes(self._buffer[:4], "big")
        if not 8 <= size <= MAX_BOX_BYTES:
            raise FragmentError(f"a box of {size} bytes")
        if len(self._buffer) < size:
            return b""
        box = bytes(self._buffer[:size])
        del self._buffer[:size]
        return box

    def _read_tracks(self, moov: bytes) -> None:
        number = timescale = 0
        try:
            found = list(boxes(moov))
        except ClipError as error:
            raise FragmentError(f"an init section that cannot be read: {error}") from error
        for box in found:
            body = moov[box.body : box.end]
            behind_times = 4 + (16 if body[:1] == b"\x01" else 8)
            if box.kind == b"tkhd":
                number = int.from_bytes(body[behind_times : behind_times + 4], "big")
            elif box.kind == b"mdhd":
                timescale = int.from_bytes(body[behind_times : behind_times + 4], "big")
            elif box.kind == b"hdlr":
                shift = self._anchor_ms * timescale // 1000
                self._tracks[number] = _Track(max(timescale, 1), body[8:12] == b"vide", shift)
        if sum(track.video for track in self._tracks.values()) != 1:
            raise FragmentError("not one video track")

    def _fragment(self, mdat: bytes) -> Fragment | None:
        moof, self._moof = self._moof, None
        if moof is None:
            raise FragmentError("media data without a movie fragment")
        try:
            found = self._move(moof)
        except (ClipError, struct.error, KeyError) as error:
            raise FragmentError(f"a movie fragment that cannot be read: {error!r}") from error
        data = self._held + moof + mdat
        self._held = b""
        if found is None:
            self._held = data
            return None
        return Fragment(*found, data)

    def _move(self, moof: bytearray) -> tuple[float, float, bool] | None:
        """Add the anchor to the decode times; return start, duration and kind of the video, None when it has none."""
        video: tuple[float, float, bool] | None = None
        track, defaults, start = _Track(1, False, 0), (0, 0), 0
        for box in boxes(memoryview(moof)):
            if box.kind == b"tfhd":
                track, defaults = self._tracks[_at(moof, box.body + 4)], _defaults(moof, box.body)
            elif box.kind == b"tfdt":
                if moof[box.body] != 1:
                    raise FragmentError("decode times are 32 bits wide, which the wall clock does not fit")
                (start,) = struct.unpack_from(">Q", moof, box.body + 4)
                struct.pack_into(">Q", moof, box.body + 4, start + track.shift)
            elif box.kind == b"trun" and track.video:
                ticks, flags = _samples(moof, box.body, *defaults)
                seconds = ticks / track.timescale
                if video:
                    video = (video[0], video[1] + seconds, video[2])
                else:
                    video = (start / track.timescale, seconds, not flags & _NOT_SYNC)
        return video


def _at(data: bytes | bytearray, offset: int) -> int:
    return int(struct.unpack_from(">I", data, offset)[0])


def _defaults(data: bytearray, body: int) -> tuple[int, int]:
    """Return a sample's default duration and flags out of tfhd (ISO/IEC 14496-12, 8.8.7)."""
    flags, at = _at(data, body) & 0xFFFFFF, body + 8
    values = {}
    for bit, size in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
        if flags & bit:
            values[bit] = _at(data, at)
            at += size
    return values.get(0x8, 0), values.get(0x20, 0)


def _samples(data: bytearray, body: int, duration: int, flags: int) -> tuple[int, int]:
    """Return the duration of all samples of a trun and the first one's flags (ISO/IEC 14496-12, 8.8.8)."""
    has, count, at = _at(data, body) & 0xFFFFFF, _at(data, body + 4), body + 8
    at += 4 * bool(has & 0x1)
    if has & 0x4:
        flags, at = _at(data, at), at + 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if has & bit]
    if 0x400 in fields and not has & 0x4 and count:
        flags = _at(data, at + 4 * fields.index(0x400))
    if 0x100 not in fields:
        return duration * count, flags
    return sum(_at(data, at + 4 * len(fields) * i) for i in range(count)), flags
