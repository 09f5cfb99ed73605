"""A release that answers with errors, too slowly, or never starts is taken back by itself, and no viewer meets it."""

from __future__ import annotations

import time

import pytest
from e2e.shop import ARGO, Shop

CLUSTER, SERVICE, SOURCE = "local-kr", "web", "apps/web/src/web/front.py"
LINE = "        lang = lang_of(request)\n        shows, products"
BAD = {
    "errors": '        raise RuntimeError("a bad release")\n' + LINE,
    "slow": "        await asyncio.sleep(6)\n" + LINE,
}
CRASH = (
    "from web.site import Site\n",
    'from web.site import Site\n\nraise RuntimeError("a version that never starts")\n',
)
DEADLINE_SECONDS = 40
"""In place of the platform's own three minutes, which no test waits for."""
BASE, RESOURCES = "apps/web/base/kustomization.yaml", "resources: [workload.yaml, network.yaml]\n"
SOONER = f"""{RESOURCES}patches:
- target: {{kind: Rollout}}
  patch: |-
    - {{op: replace, path: /spec/progressDeadlineSeconds, value: {DEADLINE_SECONDS}}}
"""
RATE, LOAD_SECONDS = 10.0, 400.0
BACK_SECONDS = 300
"""Longest wait for the verdict; how long it took is told."""


def aborted(shop: Shop) -> bool | str:
    status = shop.read(CLUSTER, f"{ARGO}/shop/rollouts/{SERVICE}")["status"]
    return bool(status.get("abort")) or f"{status.get('phase')}: {status.get('message')}"


def ready(shop: Shop, before: set[str]) -> bool:
    """Tell whether pods of another image are ready: from then on an analysis can look."""
    news = [pod for pod in shop.pods(CLUSTER, SERVICE) if pod["spec"]["containers"][0]["image"] not in before]
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for pod in news
        for condition in pod["status"].get("conditions", [])
    )


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_release_is_taken_back_and_no_viewer_meets_it(shop: Shop, fault: str) -> None:
    shop.catch_up()
    active = shop.rollout(CLUSTER, SERVICE).active
    version = shop.fetch(cluster=CLUSTER).headers["x-onair-version"]
    running = {pod["spec"]["containers"][0]["image"] for pod in shop.pods(CLUSTER, SERVICE)}
    with shop.load("/", CLUSTER, RATE, LOAD_SECONDS) as load:
        shop.edit(SOURCE, LINE, BAD[fault])
        shop.commit(f"Make web bad: {fault}")
        assert shop.onair("release", SERVICE, "--to", CLUSTER).code == 0
        pushed = shop.push()
        shop.followed(SERVICE, shop.git("rev-parse", "HEAD"), pushed, [CLUSTER])
        shop.wait(f"{CLUSTER}: new pods ready", 120, lambda: ready(shop, running))
        began = time.monotonic()
        shop.wait(f"{CLUSTER}: the bad release is taken back", BACK_SECONDS, lambda: aborted(shop))
        shop.say(f"{fault}: taken back {time.monotonic() - began:.1f} s after its pods were ready")
        told = shop.onair("status")
        assert told.code == 1
        assert "answers" in told.output, "status does not say which metric condemned it"
        assert shop.rollout(CLUSTER, SERVICE).active == active, "the bad colour was made active"
        back = shop.onair("rollback", SERVICE, "--on", CLUSTER)
        assert back.code == 0, back.output
        shop.edit(SOURCE, BAD[fault], LINE)
        shop.commit("Mend web")
        shop.push()
        shop.wait(f"{CLUSTER}: as before", 180, lambda: shop.rollout(CLUSTER, SERVICE).phase == "Healthy")
        assert shop.rollout(CLUSTER, SERVICE).active == active
    shop.tell(f"while a bad release came and went ({fault})", load.result)
    assert load.result.failed == 0
    assert set(load.result.versions) == {version}, "viewers met the bad version"
    shop.settled()


def test_a_version_that_never_starts_is_given_up_and_no_viewer_notices(shop: Shop) -> None:
    shop.catch_up()
    active = shop.rollout(CLUSTER, SERVICE).active
    version = shop.fetch(cluster=CLUSTER).headers["x-onair-version"]
    with shop.load("/", CLUSTER, RATE, LOAD_SECONDS) as load:
        shop.edit(SOURCE, *CRASH)
        shop.edit(BASE, RESOURCES, SOONER)
        shop.commit("Make web crash at its start")
        assert shop.onair("release", SERVICE, "--to", CLUSTER).code == 0
        pushed = shop.push()
        shop.followed(SERVICE, shop.git("rev-parse", "HEAD"), pushed, [CLUSTER])
        began = time.monotonic()
        shop.wait(f"{CLUSTER}: the version is given up", BACK_SECONDS, lambda: aborted(shop))
        took = time.monotonic() - began
        shop.say(f"crash: given up {took:.1f} s after the commit was followed; the deadline is {DEADLINE_SECONDS} s")
        told = shop.onair("status")
        assert told.code == 1
        assert "a version that never starts" in told.output, "status does not say what it died of"
        assert shop.rollout(CLUSTER, SERVICE).active == active, "the version that never starts was made active"
        assert shop.onair("rollback", SERVICE, "--on", CLUSTER).code == 0
        shop.edit(SOURCE, CRASH[1], CRASH[0])
        shop.edit(BASE, SOONER, RESOURCES)
        shop.commit("Mend web")
        shop.push()
        shop.wait(f"{CLUSTER}: as before", 180, lambda: shop.rollout(CLUSTER, SERVICE).phase == "Healthy")
    shop.tell("while a version that never starts came and went", load.result)
    assert load.result.failed == 0
    assert set(load.result.versions) == {version}, "viewers met the bad version"
    shop.settled()
