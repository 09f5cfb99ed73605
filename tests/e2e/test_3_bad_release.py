"""A release that answers with errors, too slowly, or never starts is taken back by itself, and no viewer meets it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2e.shop import ARGO, Shop

from onair.core.leaf import Leaf, digest
from onair.core.status import ready as is_ready

CLUSTER, SERVICE, SOURCE = "local-kr", "web", "apps/web/src/web/front.py"
LINE = "        lang = lang_of(request)\n        shows, products"
BAD = {
    "errors": '        raise RuntimeError("a bad release")\n' + LINE,
    "slow": "        await asyncio.sleep(6)\n" + LINE,
}
IMPORT = "from web.site import Site\n"
CRASH = IMPORT + '\nraise RuntimeError("the {word} that never starts")\n'
DEADLINE_SECONDS = 40
"""In place of the platform's own three minutes, which no test waits for."""
BASE, RESOURCES = "apps/web/base/kustomization.yaml", "resources: [workload.yaml, network.yaml]\n"
SOONER = f"""{RESOURCES}patches:
- target: {{kind: Rollout}}
  patch: |-
    - {{op: replace, path: /spec/progressDeadlineSeconds, value: {DEADLINE_SECONDS}}}
"""
ABORTED_SECONDS = 35
"""Longer than an aborted colour stands by Argo Rollouts' own setting: with it went the deadline of the next version."""
RATE, LOAD_SECONDS = 10.0, 400.0
BACK_SECONDS = 300
"""Longest wait for the verdict; how long it took is told."""


def latest(shop: Shop) -> str:
    """Return the revision that the Rollout works on, or gave up."""
    return str(shop.read(CLUSTER, f"{ARGO}/shop/rollouts/{SERVICE}")["status"]["currentPodHash"])


def aborted(shop: Shop, before: str) -> bool | str:
    """Tell whether a later revision than ``before`` was given up."""
    status = shop.read(CLUSTER, f"{ARGO}/shop/rollouts/{SERVICE}")["status"]
    return (
        bool(status.get("abort")) and status["currentPodHash"] != before
    ) or f"{status.get('phase')}: {status.get('message')}"


def ready(shop: Shop, before: set[str]) -> bool:
    """Tell whether pods of another image are ready: from then on an analysis can look."""
    news = [pod for pod in shop.pods(CLUSTER, SERVICE) if pod["spec"]["containers"][0]["image"] not in before]
    return any(map(is_ready, news))


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_release_is_taken_back_and_no_viewer_meets_it(shop: Shop, fault: str) -> None:
    active = shop.rollout(CLUSTER, SERVICE).active
    version = shop.fetch(cluster=CLUSTER).headers["x-onair-version"]
    running = {pod["spec"]["containers"][0]["image"] for pod in shop.pods(CLUSTER, SERVICE)}
    with mended(shop) as before, shop.load("/", CLUSTER, RATE, LOAD_SECONDS) as load:
        shop.edit(SOURCE, LINE, BAD[fault])
        deliver(shop, f"Make web bad: {fault}")
        shop.wait(f"{CLUSTER}: new pods ready", 120, lambda: ready(shop, running))
        began = time.monotonic()
        shop.wait(f"{CLUSTER}: the bad release is taken back", BACK_SECONDS, lambda: aborted(shop, active))
        shop.say(f"{fault}: taken back {time.monotonic() - began:.1f} s after its pods were ready")
        told = shop.onair("status")
        assert told.code == 1
        assert "answers" in told.output, "status does not say which metric condemned it"
        assert shop.rollout(CLUSTER, SERVICE).active == active, "the bad colour was made active"
        take_back(shop, before)
        shop.wait(f"{CLUSTER}: as before", 180, lambda: shop.rollout(CLUSTER, SERVICE).phase == "Healthy")
        assert shop.rollout(CLUSTER, SERVICE).active == active
    shop.tell(f"while a bad release came and went ({fault})", load.result)
    assert load.result.failed == 0
    assert set(load.result.versions) == {version}, "viewers met the bad version"
    shop.settled()


def test_versions_that_never_start_are_given_up_and_no_viewer_notices(shop: Shop) -> None:
    active = shop.rollout(CLUSTER, SERVICE).active
    version = shop.fetch(cluster=CLUSTER).headers["x-onair-version"]
    with mended(shop) as before, shop.load("/", CLUSTER, RATE, LOAD_SECONDS) as load:
        shop.edit(BASE, RESOURCES, SOONER)
        shop.edit(SOURCE, IMPORT, CRASH.format(word="first"))
        give_up(shop, "first")
        time.sleep(ABORTED_SECONDS)
        shop.edit(SOURCE, CRASH.format(word="first"), CRASH.format(word="second"))
        give_up(shop, "second")
        up = shop.onair("up")
        assert (up.code, "gave up the version that git asks for" in up.output) == (2, True), "up waited in vain"
        assert shop.rollout(CLUSTER, SERVICE).active == active, "a version that never starts was made active"
        take_back(shop, before)
        shop.wait(f"{CLUSTER}: as before", 180, lambda: shop.rollout(CLUSTER, SERVICE).phase == "Healthy")
    shop.tell("while versions that never start came and went", load.result)
    assert load.result.failed == 0
    assert set(load.result.versions) == {version}, "viewers met the bad version"
    shop.settled()


def deliver(shop: Shop, message: str) -> None:
    """Commit what stands in the clone, release and push it, and see the region follow."""
    shop.commit(message)
    assert shop.onair("release", SERVICE, "--to", CLUSTER).code == 0
    pushed = shop.push()
    shop.followed(SERVICE, shop.git("rev-parse", "HEAD"), pushed, [CLUSTER])


def give_up(shop: Shop, word: str) -> None:
    """Release what stands in the clone, and see it given up, and status say what it died of."""
    revision = latest(shop)
    deliver(shop, f"Make web crash at its start: {word}")
    began = time.monotonic()
    shop.wait(f"{CLUSTER}: the {word} version is given up", BACK_SECONDS, lambda: aborted(shop, revision))
    took = time.monotonic() - began
    shop.say(f"crash: given up {took:.1f} s after the commit was followed; the deadline is {DEADLINE_SECONDS} s")
    told = shop.onair("status")
    assert told.code == 1
    assert f"the {word} that never starts" in told.output, "status does not say what it died of"


def take_back(shop: Shop, before: str) -> None:
    """Roll back by one commit, and mend the source: as whoever answers for the service would."""
    leaf = Leaf(CLUSTER, SERVICE)
    good = digest(leaf, shop.git("show", f"{before}:{leaf.path}"))  # the one before may be a bad one too
    back = shop.onair("rollback", SERVICE, "--on", CLUSTER, "--image", str(good))
    assert back.code == 0, back.output
    shop.git("checkout", "--quiet", before, "--", "apps")
    shop.commit("Mend web")
    shop.push()


@contextmanager
def mended(shop: Shop) -> Iterator[str]:
    """Yield the commit of now; leave no bad release behind where a test fails, or later ones release it everywhere."""
    shop.catch_up()
    before = shop.git("rev-parse", "HEAD")
    try:
        yield before
    except BaseException:
        shop.git("checkout", "--quiet", "--force", before, "--", "apps", "clusters")
        if shop.git("status", "--porcelain"):
            shop.commit("Take back what a test left")
        shop.push()
        raise
