"""A publisher as OBS is one (ffmpeg, H.264 and AAC over RTMP), whose picture is a clock that a program can read.

The upper half of the picture is a row of cells, white or black: two that tell it from any other picture, the Unix time
in milliseconds when the frame was made (its lowest 24 bits, 4.6 hours), and their parity.
"""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

CELL, BITS, HEIGHT, RATE = 16, 24, 128, 30
CELLS = BITS + 4  # white and black before, parity after, and one that moves
WIDTH = CELL * CELLS
RETRY_SECONDS = 2.0
"""OBS tries again after two seconds (its default)."""
READ = f"""() => {{
  const video = document.getElementById("video"), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [{WIDTH}, {HEIGHT}];
  if (video.videoWidth !== {WIDTH} || video.readyState < 2) return null;
  const pen = canvas.getContext("2d", {{ willReadFrequently: true }});
  pen.drawImage(video, 0, 0);
  const now = Date.now(), row = pen.getImageData(0, {HEIGHT // 4}, {WIDTH}, 1).data;
  const cell = (i) => row[4 * ({CELL} * i + {CELL // 2})] > 127 ? 1 : 0;
  if (!cell(0) || cell(1)) return null;
  let stamp = 0, parity = 0;
  for (let i = 0; i < {BITS}; i++) {{ stamp = stamp * 2 + cell(2 + i); parity ^= cell(2 + i); }}
  if (parity !== cell({BITS + 2})) return null;
  return ((now % {1 << BITS}) - stamp + {1 << BITS}) % {1 << BITS} / 1000;
}}"""
"""Returns how many seconds ago the frame that the page shows was made; null when it shows another picture."""


def frame(stamp_ms: int, count: int) -> bytes:
    """Return one grey picture."""
    bits = [stamp_ms >> i & 1 for i in reversed(range(BITS))]
    cells = [1, 0, *bits, sum(bits) & 1, count // 15 & 1]
    upper = b"".join((b"\xeb" if cell else b"\x10") * CELL for cell in cells)
    lower = bytearray(b"\x50" * WIDTH)
    at = count * 4 % (WIDTH - CELL)
    lower[at : at + CELL] = b"\xc0" * CELL
    return upper * (HEIGHT // 2) + bytes(lower) * (HEIGHT // 2)


class ClockPublisher:
    """Publishes the clock from ``with`` on, and again whenever the connection is lost, as OBS does.

    Attributes
    ----------
    begun : list of float
        Monotonic instants at which a connection was tried.
    """

    def __init__(self, url: str, log: Path, sound: bool = True, key_frame_seconds: float = 2) -> None:
        self.begun: list[float] = []
        words = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-fflags", "nobuffer"]
        words += ["-use_wallclock_as_timestamps", "1", "-f", "rawvideo", "-pixel_format", "gray"]
        words += ["-video_size", f"{WIDTH}x{HEIGHT}", "-framerate", str(RATE), "-i", "pipe:0"]
        words += ["-re", "-f", "lavfi", "-i", "sine=f=330:r=48000"] if sound else []
        words += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "main"]
        words += ["-pix_fmt", "yuv420p", "-threads", "1", "-g", "300", "-b:v", "800k"]
        words += ["-force_key_frames", f"expr:gte(t,n_forced*{key_frame_seconds})"]
        words += ["-c:a", "aac", "-b:a", "64k"] if sound else []
        self._command = [*words, "-f", "flv", "-flvflags", "no_duration_filesize", url]
        self._log, self._stop = log, threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """ffmpeg, the one that runs or ran last."""
        assert self._process is not None
        return self._process

    def _run(self) -> None:
        while not self._stop.is_set():
            self.begun.append(time.monotonic())
            with self._log.open("ab") as log:
                process = self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stderr=log)
                self._film(process)
                process.terminate()  # as OBS's "stop": it says that it has finished
                try:
                    process.communicate(timeout=10)  # closes its input, which it may be waiting for
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._stop.wait(RETRY_SECONDS)

    def _film(self, process: subprocess.Popen[bytes]) -> None:
        """Give ffmpeg a frame whenever one is due, until it ends or we are to stop."""
        assert process.stdin is not None
        began = time.monotonic()
        try:
            while not self._stop.is_set() and process.poll() is None:
                count = int((time.monotonic() - began) * RATE)
                process.stdin.write(frame(time.time_ns() // 1_000_000, count))
                process.stdin.flush()
                self._stop.wait(max(0.0, began + (count + 1) / RATE - time.monotonic()))
        except OSError:
            pass  # it ended
