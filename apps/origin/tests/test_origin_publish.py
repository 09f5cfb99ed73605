"""ffmpeg publishes over RTMP, as OBS does; what viewers of both regions get is read back by ffprobe."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from clock_publisher import HEIGHT, WIDTH, ClockPublisher
from origin_world import KEYS, PUBLISHED, Region, number, two_regions, until
from rtmp_client import opening

pytestmark = pytest.mark.integration
WRONG = 8 * "wrong-"


@pytest.fixture
def regions(clips: Path, tmp_path: Path, region_env: dict[str, dict[str, str]]) -> Iterator[dict[str, Region]]:
    with two_regions(clips, tmp_path, region_env) as both:
        yield both
        for region in both.values():
            log = region.log.read_text()
            assert not any(key in log for key in (*KEYS.values(), WRONG)), "a key was logged"
            assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


def streams(data: bytes) -> dict[str, dict[str, Any]]:
    """What ffprobe makes of a file, by kind of stream; it decodes every frame."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", "-"]
    found = subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)
    assert found.stderr == b""
    return {stream["codec_type"]: stream for stream in json.loads(found.stdout)["streams"]}


def media(region: Region, channel: str, names: list[str]) -> bytes:
    """The init section and segments of one publication, joined."""
    parts = [region.get(f"video/{channel}/{name}") for name in (f"{names[0].partition('-')[0]}.mp4", *names)]
    assert [part.status_code for part in parts] == [200] * len(parts)
    return b"".join(part.content for part in parts)


@pytest.mark.parametrize("sound", [True, False])
def test_a_publication_takes_the_stand_ins_place_in_both_regions_and_gives_it_back(
    regions: dict[str, Region], tmp_path: Path, sound: bool
) -> None:
    kr, us = regions["kr"], regions["us"]
    with ClockPublisher(kr.url("kr"), tmp_path / "ffmpeg.log", sound=sound):
        names = kr.published("kr")
        found = streams(media(kr, "kr", names[:2]))
        assert (found["video"]["codec_name"], found["video"]["width"]) == ("h264", WIDTH)
        assert found["video"]["height"] == HEIGHT
        assert int(found["video"]["nb_read_frames"]) > 30
        assert found["audio"]["codec_name"] == "aac", "one sound track, always: a player could not go on without it"
        assert float(found["video"]["start_time"]) == pytest.approx(number(names[0]) * 2, abs=12)
        text = kr.playlist("kr")
        assert "CAN-BLOCK-RELOAD=YES" in text
        newest = PUBLISHED.findall(text)[-1]
        parts = re.findall(rf'URI="({newest[:-4]}\.\d+\.m4s)"(,INDEPENDENT=YES)?', text)
        assert parts[0][1], f"its key frames come every two seconds: {text}"
        joined = b"".join(kr.get(f"video/kr/{name}").content for name, _ in parts)
        assert joined == kr.get(f"video/kr/{newest}").content

        assert us.published("kr")
        assert (us.role("kr"), kr.role("kr")) == (("relay", "kr", True), ("publisher", "kr", True))
        shared = us.published("kr")[-1]
        assert us.get(f"video/kr/{shared}").content == kr.get(f"video/kr/{shared}").content
        assert us.get(f"video/kr/{shared}", **{"x-onair-relay": "1"}).status_code == 421, "no relaying in circles"
        assert kr.metric("origin_publications", channel="kr") == 1
    for region in (kr, us):
        until("the stand-in goes on", partial(stand_in_goes_on, region))
        assert not region.role("kr")[2]
    assert kr.metric("origin_publications", channel="kr") == 0
    assert kr.metric("origin_publication_ends_total", reason="finished") == 1
    recorded = [(line["what"], line["target"], line["result"]) for line in kr.lines(logger="access-record")]
    assert recorded == [("video.publish", "kr", "ok"), ("video.unpublish", "kr", "finished")]
    assert kr.lines(logger="access-record")[0]["origin"] == "127.0.0.0/24"


def stand_in_goes_on(region: Region) -> bool:
    """Tell whether the playlist ends with the stand-in, behind a discontinuity and its own init section."""
    last = region.playlist("kr").rpartition("#EXT-X-DISCONTINUITY\n")[2]
    return last.startswith('#EXT-X-MAP:URI="init.mp4"') and bool(re.search(r"^\d+\.m4s$", last, re.M))


def publish_in_vain(region: Region, key: str, app: str = "live") -> str:
    """Run ffmpeg until it is refused; returns what it says."""
    url = region.url("kr", key).replace("/live/", f"/{app}/")
    command = ["ffmpeg", "-v", "info", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc=s=160x90:r=10", "-c:v"]
    done = subprocess.run(
        [*command, "libx264", "-f", "flv", url], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    return done.stderr


def test_who_has_no_key_is_refused_and_harms_nobody(regions: dict[str, Region], tmp_path: Path) -> None:
    kr = regions["kr"]
    with ClockPublisher(kr.url("kr"), tmp_path / "ffmpeg.log") as publisher:
        kr.published("kr", 1)
        assert "opens no channel" in publish_in_vain(kr, WRONG)
        assert "does not end with /live" in publish_in_vain(kr, KEYS["us"], "show")
        assert "being published already" in publish_in_vain(kr, KEYS["kr"])
        for result in ("wrong-key", "wrong-app", "busy"):
            assert kr.metric("origin_publish_requests_total", result=result) == 1
            assert kr.lines(event="publisher refused", result=result)
            assert kr.lines(logger="access-record", result=result)
        assert len(publisher.begun) == 1, "the rightful publisher was not disturbed"
        assert kr.role("kr") == ("publisher", "kr", True)


def counted(region: Region, count: int) -> bool:
    return region.metric("origin_publish_requests_total", result="malformed") == count


def test_malformed_rtmp_is_refused_and_harms_nobody(regions: dict[str, Region], tmp_path: Path) -> None:
    kr = regions["kr"]
    noise = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00" + os.urandom(600),
        b"\x03" + os.urandom(60_000),
        opening("live", KEYS["us"])[:-20],
    ]
    with ClockPublisher(kr.url("kr"), tmp_path / "ffmpeg.log") as publisher:
        kr.published("kr", 1)
        for count, data in enumerate(noise, 1):
            with socket.create_connection(("127.0.0.1", kr.rtmp), 10) as client:
                with contextlib.suppress(OSError):
                    client.sendall(data)
                    client.shutdown(socket.SHUT_WR)
                with contextlib.suppress(OSError):
                    while client.recv(1 << 16):
                        pass
            until("it is counted", partial(counted, kr, count))
        with socket.create_connection(("127.0.0.1", kr.rtmp), 10):
            pass  # as a load balancer checks health: neither counted nor logged
        assert len(kr.lines(event="publisher refused")) == len(noise)

        # One with the right key and then noise ends as a publication, and its channel's stand-in goes on.
        with socket.create_connection(("127.0.0.1", kr.rtmp), 10) as client:
            client.sendall(opening("live", KEYS["us"]) + b"\xff" * 5000)
            while client.recv(1 << 16):
                pass
        until("it has ended", lambda: kr.metric("origin_publication_ends_total", reason="malformed") == 1)
        assert kr.role("us")[2] is False
        assert len(publisher.begun) == 1
        assert kr.role("kr") == ("publisher", "kr", True)


def test_a_publisher_that_was_cut_off_comes_back(regions: dict[str, Region], tmp_path: Path) -> None:
    kr = regions["kr"]
    with ClockPublisher(kr.url("kr"), tmp_path / "ffmpeg.log") as publisher:
        before = kr.published("kr", 1)[0]
        publisher.process.send_signal(signal.SIGKILL)
        after = kr.other("kr", before[:16])
        assert number(after) > number(before)
        assert "#EXT-X-DISCONTINUITY\n" in kr.playlist("kr")
        # And one whose old connection is still open, but silent: it stands in the way no longer than it has to.
        publisher.process.send_signal(signal.SIGSTOP)
        frozen = publisher.process
        try:
            with ClockPublisher(kr.url("kr"), tmp_path / "again.log"):
                assert number(kr.other("kr", before[:16], after[:16])) > number(after)
        finally:
            frozen.kill()


def test_the_publisher_moves_to_the_other_region_and_back_to_nobodys_harm(
    regions: dict[str, Region], tmp_path: Path
) -> None:
    kr, us = regions["kr"], regions["us"]
    with ClockPublisher(kr.url("kr"), tmp_path / "first.log"):
        seen = us.published("kr", 1)
        kr.stop()
    with ClockPublisher(us.url("kr"), tmp_path / "second.log"):
        until("us publishes kr's channel", lambda: us.role("kr") == ("publisher", "us", True))
        assert number(us.other("kr", seen[-1][:16])) > number(seen[-1])
        kr.start()
        until("kr relays its own channel from us", lambda: kr.role("kr") == ("relay", "us", True))
        kr.published("kr", 1)
        for _ in range(40):  # and it stays so
            assert us.role("kr") == ("publisher", "us", True)
            assert kr.role("kr") == ("relay", "us", True)
            time.sleep(0.1)
        assert len(us.lines(event="publication ends")) == 0
    until("kr's own stand-in goes on", lambda: kr.role("kr") == ("publisher", "kr", False))
    until("us relays it", lambda: us.role("kr") == ("relay", "kr", False))


def test_a_pod_that_is_told_to_stop_sends_its_publisher_away(regions: dict[str, Region], tmp_path: Path) -> None:
    kr, us = regions["kr"], regions["us"]
    with ClockPublisher(kr.url("kr"), tmp_path / "ffmpeg.log") as publisher:
        us.published("kr", 1)
        began = time.monotonic()
        assert kr.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 20
        assert publisher.process.wait(10) != 0 or len(publisher.begun) > 1
    (end,) = kr.lines(event="publication ends")
    assert end["reason"] == "drained"
    until("us has let it go", lambda: us.role("kr") == ("takeover", "us", False))
