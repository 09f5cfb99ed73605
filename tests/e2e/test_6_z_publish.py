"""A seller publishes by RTMP through the edge: both regions see it within seconds, and it outlives its region."""

from __future__ import annotations

import json
import re
import socket
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from clock_publisher import READ, ClockPublisher
from e2e.browser import Viewer, viewer
from e2e.shop import Shop
from playwright.sync_api import Browser

from onair.adapters.local import network
from onair.adapters.local.platform import PLATFORM

CHANNEL, SHOW = "kr", "seoul-table"
GLASS_SECONDS, LIVE_SECONDS = 4.0, 15.0
"""What the player must reach, and what it keeps on a machine that is busy with everything at once."""
SAMPLES = 20
APPEAR_SECONDS, RETURN_SECONDS = 60.0, 90.0


@pytest.fixture(scope="module")
def key(shop: Shop) -> str:
    """The channel's stream key, from where the README says that it stands."""
    shared = json.loads((shop.local.paths.pki(PLATFORM) / "shared-secrets.json").read_text(encoding="utf-8"))
    return str(shared["shop/stream-keys"][f"STREAM_KEY_{CHANNEL.upper()}"])


def url(shop: Shop, key: str) -> str:
    return f"rtmp://localhost:{shop.local.facts.platform.spec.edge.rtmp_port}/live/{key}"


def glass(seen: Viewer) -> float | None:
    """Return the age of the picture on the page, in seconds; None when it shows no published clock."""
    age = seen.page.evaluate(READ)
    return None if age is None else float(age)


def published(seen: Viewer) -> bool | str:
    seen.page.wait_for_timeout(200)
    return glass(seen) is not None or "the page shows no published picture"


def source(shop: Shop, cluster: str) -> tuple[str, str, bool]:
    """Return role, source and liveness of the channel at a region's origin."""
    found = shop.fetch("/video/status", cluster).json()["channels"]
    return next((c["role"], c["source"], c["live"]) for c in found if c["channel"] == CHANNEL)


def at_rest(shop: Shop) -> None:
    shop.wait("the stand-in is back in kr", 30, lambda: source(shop, "local-kr") == ("publisher", "kr", False))
    shop.wait("and relayed in us", 30, lambda: source(shop, "local-us") == ("relay", "kr", False))


def test_a_publication_is_seen_in_both_regions_within_seconds(
    shop: Shop, browser: Browser, root: Path, key: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        pages = {}
        for cluster in shop.clusters:
            pages[cluster] = stack.enter_context(viewer(browser, root, "en-US"))
            pages[cluster].open(f"{shop.address(cluster)}/shows/{SHOW}")
            pages[cluster].play(2)
        with ClockPublisher(url(shop, key), tmp_path / "ffmpeg.log") as publisher:
            began = time.monotonic()
            for cluster, seen in pages.items():
                shop.wait(f"the publication is seen in {cluster}", APPEAR_SECONDS, lambda s=seen: published(s))
            shop.say(f"both regions showed the publication {time.monotonic() - began:.1f} s after OBS would connect")
            ages: dict[str, list[float]] = {cluster: [] for cluster in pages}
            for _ in range(SAMPLES):
                for cluster, seen in pages.items():
                    seen.page.wait_for_timeout(300)
                    if (age := glass(seen)) is not None:
                        ages[cluster].append(age)
            for cluster, found in ages.items():
                assert len(found) > SAMPLES / 2, f"{cluster}: the clock was readable {len(found)} times of {SAMPLES}"
                shop.say(
                    f"{cluster}: glass to glass {statistics.median(found):.2f} s "
                    f"(median of {len(found)}; {min(found):.2f} to {max(found):.2f})"
                )
            pages["local-us"].shoot("published-kr-in-us")
            assert source(shop, "local-kr") == ("publisher", "kr", True), "the edge prefers the first region"
            assert source(shop, "local-us") == ("relay", "kr", True)
            assert len(publisher.begun) == 1
            assert all(min(found) <= GLASS_SECONDS for found in ages.values()), ages
            assert all(statistics.median(found) <= LIVE_SECONDS for found in ages.values()), ages
        at_rest(shop)
        for seen in pages.values():
            seen.play(3)  # the stand-in goes on without a reload
            assert not seen.errors, seen.errors


def test_a_wrong_key_and_noise_are_refused(shop: Shop) -> None:
    address = ("localhost", shop.local.facts.platform.spec.edge.rtmp_port)
    command = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc=s=160x90:r=10", "-t", "20"]
    command += ["-c:v", "libx264", "-f", "flv", url(shop, "0" * 32)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "opens no channel" in done.stderr
    with socket.create_connection(address, 10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.settimeout(15)
        assert client.recv(1) == b""
    log = shop.kubectl("local-kr").run("-n", "shop", "logs", "statefulset/origin", "--since=2m").stdout
    assert re.search(r'"result": "wrong-key"', log)
    assert re.search(r'"result": "malformed"', log)
    assert "0" * 32 not in log
    assert source(shop, "local-kr") == ("publisher", "kr", False)


def test_a_publisher_whose_region_is_lost_goes_on_through_the_other(
    shop: Shop, browser: Browser, root: Path, key: str, tmp_path: Path
) -> None:
    edge = shop.local.topology.link("edge:local-kr")
    peer = shop.local.topology.link("inter-region:local-kr:local-us")
    with (
        viewer(browser, root, "ko-KR", geo=(shop.address(), "kr")) as seen,
        ClockPublisher(url(shop, key), tmp_path / "ffmpeg.log") as publisher,
    ):
        seen.open(f"{shop.address()}/shows/{SHOW}")
        shop.wait("the publication is seen", APPEAR_SECONDS, lambda: published(seen))
        seen.play(3)
        try:
            network.cut(edge)
            network.cut(peer)
            cut = time.monotonic()
            shop.say("cut kr's links: the region is lost")
            shop.wait(
                "the publisher is in us", RETURN_SECONDS, lambda: source(shop, "local-us") == ("publisher", "us", True)
            )
            shop.say(f"us publishes kr's channel {time.monotonic() - cut:.1f} s after the loss")
            shop.wait("the viewer sees it there", RETURN_SECONDS, lambda: (age := glass(seen)) is not None and age < 10)
            seen.play(5)
            shop.say(
                f"the viewer sees new pictures {time.monotonic() - cut:.1f} s after the loss, "
                f"{glass(seen)} s old; the video stood still for {seen.watch()[2]:.1f} s"
            )
            assert len(publisher.begun) > 1
            seen.shoot("published-after-region-loss")
        finally:
            network.ensure(shop.local.topology)
        shop.wait("kr relays its channel", 60, lambda: source(shop, "local-kr") == ("relay", "us", True))
        tries = len(publisher.begun)
        seen.play(10)
        for cluster, wanted in (("local-us", "publisher"), ("local-kr", "relay")):
            assert source(shop, cluster) == (wanted, "us", True), "the return of a region moves nobody"
        assert len(publisher.begun) == tries
        shop.say(f"kr is back; the video stood still for {seen.watch()[2]:.1f} s at most")
    at_rest(shop)
    shop.settled()
