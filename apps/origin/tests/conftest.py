"""Two short clips made as the image's cameras are, by the same script."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from threaded_loop import loop_in_thread

from origin.app import Cameras

__all__ = ["cameras", "clips", "loop_in_thread"]
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf")
SECONDS = 32  # whole numbers of segments, of audio frames and of the picture's own period


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the encoded clips."""
    ffmpeg = shutil.which("ffmpeg")
    if not ffmpeg or not FONT.exists():
        pytest.fail("ffmpeg or its font is missing: apt-get install ffmpeg fonts-dejavu-core")
    folder = tmp_path_factory.mktemp("clips")
    script = Path(__file__).parents[1] / "encode.sh"
    subprocess.run([script, ffmpeg, FONT, str(SECONDS), folder], check=True, timeout=600)
    return folder


@pytest.fixture(scope="session")
def cameras(clips: Path) -> Cameras:
    """Both cameras over the clips."""
    return Cameras.open(clips)
