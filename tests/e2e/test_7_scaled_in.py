"""What grew for viewers (test_5_scaling.py) is small again ten minutes later: asked at night (.ci/nightly)."""

from __future__ import annotations

from e2e.shop import Shop
from e2e.test_5_scaling import replicas, scaler

IN_SECONDS = 900
"""Ten quiet minutes and one for each pod (apps/components/pod/scaler.yaml)."""


def test_few_viewers_need_few_pods(shop: Shop) -> None:
    least = scaler(shop, "web")["spec"]["minReplicas"]
    took = shop.wait(
        "web has as few pods as usual",
        IN_SECONDS,
        lambda: replicas(shop, "web") == (least, least) or str(replicas(shop, "web")),
    )
    shop.say(f"web is back at {least} pods; waited {took:.0f} s")
