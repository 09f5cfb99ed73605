from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onair_common.settings import SettingError
from origin.app import Cameras
from origin.clip import Clip, ClipError, boxes

pytestmark = pytest.mark.integration


def packets(path: Path) -> dict[int, list[tuple[float, float]]]:
    """Presentation time and duration of every packet by stream, as ffprobe reads them."""
    command = [
        "ffprobe",
        "-v",
        "error",
        "-show_entries",
        "packet=stream_index,pts_time,duration_time",
        "-of",
        "json",
        str(path),
    ]
    found: dict[int, list[tuple[float, float]]] = {}
    for packet in json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packets"]:
        found.setdefault(packet["stream_index"], []).append((float(packet["pts_time"]), float(packet["duration_time"])))
    return found


def test_the_timeline_runs_on_through_the_loop_and_from_camera_to_camera(cameras: Cameras, tmp_path: Path) -> None:
    first = 897_711_757 // 16 * 16 + 10  # the clip's 16 segments loop twice within
    stream = cameras.main.init
    for number in range(first, first + 30):
        stream += (cameras.main if number % 3 else cameras.standby).segment(number)
    joined = tmp_path / "joined.mp4"
    joined.write_bytes(stream)
    tracks = packets(joined)
    assert {index: len(track) for index, track in tracks.items()}[0] == 30 * 30
    assert tracks[0][0][0] == pytest.approx(first * 2, abs=1e-6)
    for track in tracks.values():
        for (pts, duration), (following, _) in itertools.pairwise(track):
            assert following - pts == pytest.approx(duration, abs=2e-3)
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", joined, "-f", "null", "-"], check=True, capture_output=True
    )
    assert decoded.stderr == b""


def test_each_segment_starts_with_a_key_frame(cameras: Cameras, tmp_path: Path) -> None:
    for number in (0, 7, 15):
        one = tmp_path / f"{number}.mp4"
        one.write_bytes(cameras.standby.init + cameras.standby.segment(number))
        command = ["ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", "%+#1", "-show_entries"]
        flags = subprocess.run(
            [*command, "packet=flags", "-of", "csv=p=0", one], check=True, capture_output=True
        ).stdout
        assert flags.startswith(b"K")


def test_a_restart_gives_the_same_bytes(cameras: Cameras, clips: Path) -> None:
    assert Clip(clips / "main.mp4").segment(897_711_757) == cameras.main.segment(897_711_757)


def test_unfit_clips_are_refused_by_name(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"none\.mp4: No such file"):
        Clip(tmp_path / "none.mp4")
    whole = (clips / "main.mp4").read_bytes()
    for name, content, said in (
        ("cut.mp4", whole[:50_000], "cut off|impossible size"),
        ("empty.mp4", b"", "no moov"),
        ("text.mp4", b"this is no film at all", "impossible size"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ClipError, match=said):
            Clip(tmp_path / name)
    (tmp_path / "main.mp4").write_bytes(whole)
    with pytest.raises(SettingError, match="CLIPS"):
        Cameras.open(tmp_path)


@given(st.binary(max_size=300))
def test_box_reading_ends_on_any_bytes(data: bytes) -> None:
    with contextlib.suppress(ClipError):
        assert sum(1 for _ in boxes(data)) <= len(data)
