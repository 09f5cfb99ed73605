"""ffmpeg turns what a publisher sends (FLV) into fragmented MP4; it encodes nothing but silence for want of sound."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Callable

import structlog

from origin.fragments import Fragment, FragmentError, FragmentReader
from origin.rtmp import AUDIO, VIDEO, Media
from origin.run import PART_SECONDS, RunError

WAIT_FOR_SOUND_MS = 300
"""After the first picture: a publisher with sound has sent its codec's header by then."""
MAX_HELD = 512
STALL_SECONDS = 5.0
_READ_BYTES = 256 << 10
_AVC, _AAC = 7, 10
_KEY_FRAME = 1
_log = structlog.get_logger("packager")


class Packager:
    """One publication on its way through ffmpeg.

    Parameters
    ----------
    program : str
        ffmpeg.
    take : Callable
        Gets the init section, the Unix time of the publication's first picture and every fragment.
    """

    def __init__(
        self, program: str, take: Callable[[bytes, float, Fragment], None], now: Callable[[], float] = time.time
    ) -> None:
        self._program, self._take, self._now = program, take, now
        self._headers: dict[int, Media] = {}
        self._held: list[Media] = []
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._first, self._anchor_ms = 0, 0
        self.failure: str | None = None
        """Why it cannot go on."""

    async def put(self, media: Media) -> None:
        """Take one message of the publisher.

        Raises
        ------
        RunError
            When the codecs are not what players here take, or ffmpeg cannot go on.
        """
        if self.failure:
            raise RunError(self.failure)
        header = _is_header(media)
        if header:
            known = self._headers.setdefault(media.kind, media)
            if known.payload != media.payload:
                raise RunError("codec, size or rate changed while it was published")
        if self._process:
            if not header:
                await self._write(media)
            return
        if not header and (self._held or _is_key_frame(media)):
            if not self._held:
                self._first, self._anchor_ms = media.timestamp, int(self._now() * 1000)
            self._held.append(media)
            if AUDIO in self._headers or media.timestamp - self._first >= WAIT_FOR_SOUND_MS:
                await self._start()
            elif len(self._held) > MAX_HELD:
                raise RunError("its times do not advance")

    async def close(self) -> None:
        """Let ffmpeg finish what it has; it is not waited for longer than a moment."""
        if not self._process:
            return
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101
            self._process.stdin.close()
        try:
            async with asyncio.timeout(1.0):
                await asyncio.gather(*self._tasks, self._process.wait())
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        for task in self._tasks:
            task.cancel()

    async def _start(self) -> None:
        if VIDEO not in self._headers:
            raise RunError("pictures without their codec's header")
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments(AUDIO in self._headers),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]
        flags = (4 if AUDIO in self._headers else 0) | 1
        self._pipe(b"FLV\x01" + bytes([flags]) + struct.pack(">II", 9, 0))
        for media in (*self._headers.values(), *self._held):
            await self._write(media)
        self._held.clear()

    async def _write(self, media: Media) -> None:
        time_ms = media.timestamp - self._first if not _is_header(media) else 0
        if time_ms < 0:
            return  # sound from before the first picture
        self._pipe(_tag(media.kind, time_ms, media.payload))
        try:
            async with asyncio.timeout(STALL_SECONDS):
                assert self._process and self._process.stdin  # noqa: S101, PT018
                await self._process.stdin.drain()
        except (TimeoutError, OSError) as error:
            raise RunError(self.failure or "ffmpeg cannot read it") from error

    def _pipe(self, data: bytes) -> None:
        assert self._process and self._process.stdin  # noqa: S101, PT018
        self._process.stdin.write(data)

    async def _read(self) -> None:
        assert self._process and self._process.stdout  # noqa: S101, PT018
        reader = FragmentReader(self._anchor_ms)
        try:
            while data := await self._process.stdout.read(_READ_BYTES):
                for fragment in reader.receive(data):
                    self._take(reader.init, self._anchor_ms / 1000, fragment)
            self.failure = self.failure or "ffmpeg ended"
        except (FragmentError, RunError) as error:
            self.failure = str(error)

    async def _listen(self) -> None:
        """Keep ffmpeg's words short; a broken stream makes it say much."""
        assert self._process and self._process.stderr  # noqa: S101, PT018
        told = 0
        while line := await self._process.stderr.read(1024):
            told += 1
            if told <= 3:
                _log.warning("ffmpeg", said=line.decode("utf-8", "replace").strip()[:300])


def arguments(sound: bool) -> list[str]:
    """Return ffmpeg's arguments: FLV from its input to fragments of `PART_SECONDS` on its output.

    Every publication gets one sound track: a player that went from the camera to a stream without one would stop.
    """
    words = ["-hide_banner", "-loglevel", "error", "-nostdin", "-protocol_whitelist", "pipe", "-copyts"]
    # The codecs' headers come first, so little has to be looked at before the first part is written.
    words += ["-analyzeduration", "200000", "-probesize", "100000", "-fpsprobesize", "0", "-f", "flv", "-i", "pipe:0"]
    if not sound:
        words += ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono"]
    words += ["-map", "0:v:0", "-map", "0:a:0" if sound else "1:a:0", "-c:v", "copy"]
    words += ["-c:a", "copy"] if sound else ["-c:a", "aac", "-b:a", "16k", "-shortest"]
    words += ["-f", "mp4", "-use_editlist", "0", "-frag_duration", str(int(PART_SECONDS * 1e6))]
    words += ["-movflags", "+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer"]
    return [*words, "-max_interleave_delta", "500000", "-flush_packets", "1", "pipe:1"]


def _tag(kind: int, time_ms: int, payload: bytes) -> bytes:
    """Return an FLV tag (Adobe, Video File Format 10.1, annex E.4)."""
    size = len(payload).to_bytes(3, "big")
    stamp = (time_ms & 0xFFFFFF).to_bytes(3, "big") + bytes([time_ms >> 24 & 0xFF])
    return bytes([kind]) + size + stamp + bytes(3) + payload + struct.pack(">I", 11 + len(payload))


def _is_header(media: Media) -> bool:
    """Tell whether a message is a codec's header; refuse other codecs than H.264 and AAC."""
    first = media.payload[0]
    if media.kind == VIDEO and (first & 0x80 or first & 0x0F != _AVC):
        raise RunError("the video is not H.264; choose that encoder")
    if media.kind == AUDIO and first >> 4 != _AAC:
        raise RunError("the sound is not AAC; choose that encoder")
    return media.payload[1:2] == b"\0"


def _is_key_frame(media: Media) -> bool:
    return media.kind == VIDEO and media.payload[0] >> 4 == _KEY_FRAME and media.payload[1:2] == b"\1"
