"""Services follow their use by themselves: out within seconds, and up where they run. In again: test_3_scaled_in.py."""

from __future__ import annotations

from typing import Any

from e2e.shop import Object, Shop

from onair.core import status
from onair.core.gate.schema.values import quantity

CLUSTER, SHOW = "local-kr", "/shows/seoul-table"
PAGES, STATUSES = 105.0, 150.0
"""Requests a second to one region, as when a show begins: more than two pods of web should have, less than they can."""
OUT_SECONDS, UP_SECONDS = 170, 400


def scaler(shop: Shop, service: str) -> Object:
    """Return a service's HorizontalPodAutoscaler."""
    return shop.read(CLUSTER, f"/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/{service}")


def replicas(shop: Shop, service: str) -> tuple[int, int]:
    """Return how many pods of a service the autoscaler wants, and how many are Ready."""
    wanted = scaler(shop, service)["status"].get("desiredReplicas", 0)
    return int(wanted), sum(map(status.ready, shop.pods(CLUSTER, service)))


def test_more_viewers_get_more_pods(shop: Shop) -> None:
    before, _ = replicas(shop, "web")
    with shop.load(SHOW, CLUSTER, PAGES, OUT_SECONDS + 10) as load:
        took = shop.wait(
            "web has more pods", OUT_SECONDS, lambda: (found := replicas(shop, "web"))[1] > before or f"{found}"
        )
        result = load.stop()
    told = shop.tell("while web grows", result)
    shop.say(f"web grew from {before} to {replicas(shop, 'web')[1]} Ready pods {took:.1f} s after the viewers came")
    assert result.ok >= result.sent * 0.9, told  # a pod that starts takes a processor of this machine's two


def test_what_cannot_scale_out_grows_where_it_runs(shop: Shop) -> None:
    (before,) = shop.pods(CLUSTER, "origin")
    asked = cpu(before["spec"]["containers"][0]["resources"])
    with shop.load("/video/status", CLUSTER, STATUSES, UP_SECONDS) as load:
        took = shop.wait("origin has more processor time", UP_SECONDS - 10, lambda: grown(shop, asked))
        result = load.stop()
    (after,) = shop.pods(CLUSTER, "origin")
    held = after["spec"]["containers"][0]["resources"]["requests"]
    shop.say(f"origin's requests went from {asked * 1000:.0f}m to {held} {took:.1f} s after the viewers came")
    told = shop.tell("while origin grows", result)
    assert result.failed == 0, told
    ids = [each["status"]["containerStatuses"][0]["containerID"] for each in (before, after)]
    assert ids[0] == ids[1], "it was made anew for it"
    assert shop.application(CLUSTER, "origin").sync == "Synced", "git and what follows use are at odds"


def cpu(resources: dict[str, Any]) -> float:
    """Return the processors that are asked for."""
    found = quantity(resources["requests"]["cpu"])
    assert found is not None
    return float(found)


def grown(shop: Shop, before: float) -> bool | str:
    """Whether the pod asks for more than before, and its kubelet gave it."""
    (pod,) = shop.pods(CLUSTER, "origin")
    asked = pod["spec"]["containers"][0]["resources"]
    given = pod["status"]["containerStatuses"][0].get("resources")
    return (cpu(asked) > before and given is not None and cpu(given) == cpu(asked)) or f"{asked}, given {given}"
