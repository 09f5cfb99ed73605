"""What grew for viewers (test_1_scaled_out.py) is small again ten minutes later."""

from __future__ import annotations

from e2e.nightly.test_1_scaled_out import replicas, scaler
from e2e.shop import Shop

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
