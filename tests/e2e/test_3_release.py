"""One changed line, released and pushed: blue/green in both regions under load, and no request fails."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import ExitStack
from secrets import token_hex

from e2e.shop import ARGO, Shop

from onair.adapters.local import git
from onair.core.leaf import Leaf, digest
from onair.core.load import OVERLOAD

SERVICE, SOURCE = "web", "apps/web/src/web/texts.py"
LINE = re.compile(r'"tagline": .*"(Things, shown live[^"]*)"')
RATE = float(os.environ.get("ONAIR_RELEASE_RATE", "5"))
"""Requests a second at each of three addresses. 35 is the full rehearsal: it needs two processors that are really
there. At half that speed, a release beside 45 a second made answers wait for seconds, and probes with them."""
REQUESTS = round(RATE * 600)
LONGEST_SECONDS = 600.0
REFRESH = "argocd.argoproj.io/application-set-refresh"
"""What a webhook sets on an ApplicationSet; its controller takes it away."""
COMPARE_SECONDS = 3.0
"""Argo CD asks for a comparison within a second of a change."""
SWITCH_SECONDS = 10.0
"""Old and new version may both answer for so long: two proxies learn of the switch one by one."""


def pinned(shop: Shop, cluster: str) -> str:
    """Return the digest that a cluster's leaf pins in what the regions serve."""
    shop.git("fetch", "--quiet", git.REMOTE)
    leaf = Leaf(cluster, SERVICE)
    return digest(leaf, shop.git("show", f"{git.REMOTE}/{git.BRANCH}:{leaf.path}"))


def images(shop: Shop, cluster: str) -> set[str]:
    """Return the digests that a cluster's pods of the service run, those that are being deleted included."""
    path = f"/api/v1/namespaces/shop/pods?labelSelector=app.kubernetes.io/name={SERVICE}"
    return {x["spec"]["containers"][0]["image"].rpartition("@")[2] for x in shop.read(cluster, path)["items"]}


def test_a_release_reaches_both_regions_and_no_request_fails(shop: Shop) -> None:
    old = {cluster: pinned(shop, cluster) for cluster in shop.clusters}
    version = shop.fetch().headers["x-onair-version"]
    mark = f"Things, shown live ({token_hex(3)})"
    found = LINE.search((shop.path / SOURCE).read_text(encoding="utf-8"))
    assert found, f"{SOURCE}: the line to change is gone: mend the test"
    said = found[1]
    english = {"accept_language": "en"}
    loads = {at or "platform": shop.load("/", at, RATE, LONGEST_SECONDS, **english) for at in (None, *shop.clusters)}
    began = time.monotonic()
    with ExitStack() as running:
        for load in loads.values():
            running.enter_context(load)
        shop.edit(SOURCE, said, mark)
        shop.commit("Say it another way")
        released = shop.onair("release", SERVICE)
        assert released.code == 0, released.output
        pushed = shop.push()
        shop.followed(SERVICE, shop.git("rev-parse", "HEAD"), pushed, shop.clusters)
        new = {cluster: pinned(shop, cluster) for cluster in shop.clusters}
        assert all(new[cluster] != old[cluster] for cluster in shop.clusters), "a leaf has the old digest"
        shop.each("the edge shows the new line", 240, lambda cluster: mark in page(shop, cluster))
        shop.say(f"new body through the edge in both regions {time.monotonic() - pushed:.1f} s after the push")
        # Old pods go only after the proxies' drain: the load must see that too.
        shop.each("the new image alone", 300, lambda cluster: images(shop, cluster) == {new[cluster]})
        shop.say(f"the old version's pods are gone {time.monotonic() - pushed:.1f} s after the push")
        rest = 1.03 * REQUESTS / (RATE * len(loads)) - (time.monotonic() - began)
        time.sleep(max(0.0, rest))  # the load itself is what is waited for
        assert all(load.running for load in loads.values()), "a load ended before the release was through"
    results = {name: load.result for name, load in loads.items()}
    fresh = shop.fetch().headers["x-onair-version"]
    assert fresh != version
    told = [shop.tell(name, result) for name, result in results.items()]
    for result in results.values():
        for failure in result.failures[:10]:
            shop.say(f"  failed at {failure.due:.1f} s after {failure.took:.2f} s: {failure.outcome} {failure.detail}")
    told.append(f"pushed {pushed - began:.1f} s after the load began")
    failed = sum(result.failed for result in results.values())
    assert failed == 0, "requests failed during the release: " + "\n".join(told)
    assert sum(result.sent for result in results.values()) >= REQUESTS
    for name, result in results.items():
        late = result.outcomes.get(OVERLOAD)
        assert late is None or late.count < result.due / 100, (
            f"{name}: the client could not keep up: {result.saturated}"
        )
        assert result.outcomes["http-200"].reused > result.sent / 4, f"{name}: kept connections were not reused"
        seen = result.versions
        assert set(seen) == {version, fresh}, f"{name} saw versions {set(seen)}"
        both = seen[version].last - seen[fresh].first
        shop.say(f"load {name}: old and new version both answered for {max(0.0, both):.2f} s")
        assert both < SWITCH_SECONDS, f"{name}: versions were mixed for {both:.1f} s"


def page(shop: Shop, cluster: str) -> str:
    """Return the English home page of a region."""
    return shop.fetch("/?lang=en", cluster).text


def test_a_second_release_of_the_same_source_changes_nothing(shop: Shop) -> None:
    head = shop.git("rev-parse", "HEAD")
    again = shop.onair("release", SERVICE)
    assert again.code == 0, again.output
    assert "nothing to release" in again.output
    assert shop.git("rev-parse", "HEAD") == head


def test_a_webhook_leaves_bootstrap_alone(shop: Shop) -> None:
    """A webhook marks the ApplicationSets; were that a change, Argo CD would render itself before what was pushed."""
    shop.settled()
    for cluster in shop.clusters:
        before = refreshes(shop, cluster)
        for name in ("apps", "infrastructure"):
            path = f"{ARGO}/argocd/applicationsets/{name}"
            generation = shop.read(cluster, path)["metadata"]["generation"]
            told = {"metadata": {"annotations": {REFRESH: "true"}}}
            kind = {"Content-Type": "application/merge-patch+json"}
            shop.api(cluster).patch(path, content=json.dumps(told), headers=kind).raise_for_status()

            def refreshed(at: str = cluster, path: str = path) -> bool:
                return REFRESH not in shop.read(at, path)["metadata"].get("annotations", {})

            shop.wait(f"{cluster}: {name} is refreshed", 60, refreshed)
            assert shop.read(cluster, path)["metadata"]["generation"] == generation, f"{cluster}: {name} has drifted"
        time.sleep(COMPARE_SECONDS)
        assert refreshes(shop, cluster) == before, f"{cluster}: bootstrap was compared anew at a webhook"


def refreshes(shop: Shop, cluster: str) -> int:
    """Return how often bootstrap was compared because an object of its own changed."""
    log = shop.api(cluster).get("/api/v1/namespaces/argocd/pods/argocd-application-controller-0/log")
    lines = [json.loads(x) for x in log.raise_for_status().text.splitlines() if '"application":"bootstrap"' in x]
    assert lines, f"{cluster}: Argo CD's log does not name bootstrap: mend the test"
    return sum("Refreshing app status (controller refresh requested)" in x["msg"] for x in lines)
