"""A region loses its links: page and video go on from the other one; `up` heals."""

from __future__ import annotations

import time
from pathlib import Path

from e2e.browser import launch, viewer
from e2e.shop import Shop
from playwright.sync_api import sync_playwright

from onair.adapters.local import network
from onair.adapters.local.platform import PLATFORM

CLUSTER, OTHER, CHANNEL, SHOW = "local-kr", "local-us", "kr", "seoul-table"
FAILOVER_SECONDS, STALL_SECONDS = 30.0, 15.0


def test_page_and_video_go_on_from_the_other_region(shop: Shop, root: Path, keep: bool) -> None:
    edge = shop.local.topology.link(f"edge:{CLUSTER}")
    peer = shop.local.topology.link(f"inter-region:{CLUSTER}:{OTHER}")
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright, shop.local.paths.pki(PLATFORM) / "edge.crt")
            with viewer(browser, root, "ko-KR", geo=(shop.address(), "kr")) as seen:
                seen.open(f"{shop.address()}/shows/{SHOW}")
                assert seen.text("#region").strip() == "kr"
                seen.play(5)
                load = shop.load("/", None, 40, 300, x_onair_geo="kr")
                with load:
                    time.sleep(5)  # some load before
                    network.cut(edge)
                    cut = time.monotonic()
                    shop.say(f"cut {edge.name}")
                    shop.wait(
                        "the platform's page comes from the other region", FAILOVER_SECONDS, lambda: served(shop, "us")
                    )
                    shop.say(f"the page came from the other region {time.monotonic() - cut:.1f} s after the cut")
                    took = seen.play(20, within=60)
                    shop.say(f"the video that began in kr played 20 s more within {took:.1f} s")
                    time.sleep(max(0.0, 20 - (time.monotonic() - cut)))  # the edge has noticed by now
                shop.tell("while kr's edge link was cut", load.result)
                last = load.result.timeline[-6:-1]
                assert sum(step.failed for step in last) == 0, f"still failing at the end: {last}"
                assert {name for step in last for name in step.regions} == {"us"}
                seen.shoot("video-after-edge-cut")
                told = shop.onair("status")
                assert told.code == 1
                assert f"{CLUSTER}: link {edge.name} is cut" in told.output
                assert shop.fetch(cluster=CLUSTER).status_code >= 500, "the lost region's own address pretends"

                network.cut(peer)
                shop.say(f"cut {peer.name} too: kr is lost")
                takeover = shop.wait("us publishes kr's channel itself", 30, lambda: role(shop) == "takeover")
                shop.say(f"us took the channel over {takeover:.1f} s after the loss")
                took = seen.play(15, within=60)
                shop.say(f"15 s more played within {took:.1f} s; longest stall so far {seen.watch()[2]:.1f} s")
                seen.shoot("video-after-region-loss")

                if keep:
                    network.ensure(shop.local.topology)
                else:
                    healed = shop.onair("up")
                    assert healed.code == 0, healed.output
                shop.wait("viewers of kr are served by kr again", 60, lambda: served(shop, "kr"))
                shop.wait("us relays again", 60, lambda: role(shop) == "relay")
                seen.play(5)
                stall = seen.watch()[2]
                shop.say(f"longest stall of the video over loss and return: {stall:.1f} s")
                assert stall < STALL_SECONDS, f"the video stood still for {stall:.1f} s"
            browser.close()
    finally:
        network.ensure(shop.local.topology)
    shop.settled()


def served(shop: Shop, region: str) -> bool:
    """Tell whether a viewer of kr is served by ``region``."""
    answer = shop.fetch(x_onair_geo="kr")
    return answer.status_code == 200 and answer.headers["x-onair-region"] == region


def role(shop: Shop) -> str:
    """Return what us is for kr's channel: relay or takeover."""
    return str(shop.fetch(f"/video/{CHANNEL}/index.m3u8", OTHER).headers["x-onair-video"])
