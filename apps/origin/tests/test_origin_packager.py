from __future__ import annotations

import contextlib
import itertools
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.app import Cameras
from origin.fragments import Fragment, FragmentError, FragmentReader
from origin.packager import MAX_HELD, Packager
from origin.rtmp import AUDIO, VIDEO, Media
from origin.run import RunError

pytestmark = pytest.mark.integration


def packager(program: str = "ffmpeg") -> Packager:
    return Packager(program, lambda *_: None, now=lambda: 1_795_423_500.0)


async def all_of(one: Packager, media: list[Media]) -> None:
    for each in media:
        await one.put(each)


@pytest.mark.parametrize(
    ("media", "said"),
    [
        (Media(VIDEO, 0, b"\x90hvc1"), "not H.264"),
        (Media(VIDEO, 0, b"\x12\x00"), "not H.264"),
        (Media(AUDIO, 0, b"\x2f\xff"), "not AAC"),
    ],
)
async def test_codecs_that_players_here_do_not_take_are_refused(media: Media, said: str) -> None:
    with pytest.raises(RunError, match=said):
        await packager().put(media)


async def test_a_stream_that_never_gets_to_a_picture_keeps_nothing() -> None:
    one = packager()
    for _ in range(3 * MAX_HELD):
        await one.put(Media(AUDIO, 0, b"\xaf\x01sound"))
        await one.put(Media(VIDEO, 0, b"\x27\x01between key frames"))
    assert one._held == []


async def test_times_that_stand_still_end_it() -> None:
    one = packager()
    await one.put(Media(VIDEO, 0, b"\x17\x00header"))
    with pytest.raises(RunError, match="do not advance"):
        await all_of(one, [Media(VIDEO, 5, b"\x17\x01picture")] * 2 * MAX_HELD)


async def test_a_codecs_header_that_changes_ends_it() -> None:
    one = packager()
    await one.put(Media(VIDEO, 0, b"\x17\x00header"))
    await one.put(Media(VIDEO, 0, b"\x17\x00header"))
    with pytest.raises(RunError, match="changed"):
        await one.put(Media(VIDEO, 9, b"\x17\x00another"))


async def test_noise_in_the_pictures_ends_it_and_leaves_no_ffmpeg() -> None:
    one = packager()
    await one.put(Media(VIDEO, 0, b"\x17\x00\0\0\0not a decoder configuration"))
    with pytest.raises(RunError):
        await all_of(one, [Media(VIDEO, time, b"\x17\x01\0\0\0" + bytes(1000)) for time in range(0, 60_000, 100)])
    await one.close()
    assert one._process
    assert one._process.returncode is not None


def reader() -> FragmentReader:
    return FragmentReader(1_795_423_500_000)


def read(data: bytes, cuts: list[int]) -> tuple[bytes, list[Fragment]]:
    one = reader()
    found: list[Fragment] = []
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(at):
        found += one.receive(data[start:end])
    return one.init, found


@pytest.fixture(scope="module")
def clip(clips: Path) -> bytes:
    return (clips / "main.mp4").read_bytes()[:150_000]


def test_fragments_are_moved_to_the_wall_clock(clip: bytes, cameras: Cameras, tmp_path: Path) -> None:
    init, found = read(clip, [])
    assert init == cameras.main.init
    assert [(f.start, f.duration, f.independent) for f in found[:3]] == [(0, 2, True), (2, 2, True), (4, 2, True)]
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(init + found[1].data)
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=start_time", "-of", "csv=p=0", str(moved)]
    starts = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert [float(start) for start in starts] == pytest.approx([1_795_423_502.0] * 2, abs=0.05)


@given(cuts=st.lists(st.integers(0, 150_000), max_size=12))
def test_fragments_are_the_same_however_they_come(clip: bytes, cuts: list[int]) -> None:
    assert read(clip, cuts) == read(clip, [])


@given(data=st.binary(max_size=300), at=st.integers(0, 20_000))
def test_any_bytes_end_in_fragments_or_an_error(clip: bytes, data: bytes, at: int) -> None:
    for spoilt in (data, clip[:at] + data + clip[at + len(data) : 40_000]):
        with contextlib.suppress(FragmentError):
            read(spoilt, [])
