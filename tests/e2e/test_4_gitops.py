"""Git stays in charge: through a pause, a commit that does not render, and hands that touch what runs."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

import httpx
import pytest
from e2e.shop import Object, Shop

from onair.adapters.local.webhook import PATHS

HASH = "rollouts-pod-template-hash"
WORKLOAD, NETWORK = "apps/live/base/workload.yaml", "apps/live/base/network.yaml"
AUTOMATIC = "activeService: live, previewService: live-preview,"
BY_HAND = f"{AUTOMATIC} autoPromotionEnabled: false,"
TEMPLATE = 'template:\n    metadata: {labels: {app.kubernetes.io/name: live, onair.dev/uses-postgres: "true"}}'
ACTIVE = "metadata: {name: live, labels: {app.kubernetes.io/name: live}}\nspec:\n  selector"
HEAL_SECONDS, RESYNC_SECONDS, STEADY_SECONDS = 60, 90, 5


class Watch:
    """Every state that an object takes, told by the API server's own watch."""

    def __init__(self, shop: Shop, cluster: str, path: str) -> None:
        collection, _, name = path.rpartition("/")
        self._url = f"{collection}?fieldSelector=metadata.name={name}&watch=1"
        self._client = shop.api(cluster)
        self.seen: list[tuple[str, Object]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(httpx.HTTPError), self._client.stream("GET", self._url, timeout=5) as answer:
                for line in answer.iter_lines():
                    event = json.loads(line)
                    self.seen.append((event["type"], event["object"]))
                    if self._over.is_set():
                        return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(10)


def selector(shop: Shop, cluster: str, name: str) -> str:
    """Return the colour that a Service of the shop points at."""
    return str(shop.service(cluster, name)["spec"]["selector"].get(HASH))


def test_a_sync_amid_a_paused_switch_leaves_the_active_colour(shop: Shop) -> None:
    shop.catch_up()
    before = {cluster: selector(shop, cluster, "live") for cluster in shop.clusters}

    def labelled(cluster: str) -> bool:
        return "onair.dev/e2e" in shop.service(cluster, "live")["metadata"]["labels"]

    shop.edit(WORKLOAD, AUTOMATIC, BY_HAND)
    shop.edit(WORKLOAD, TEMPLATE, TEMPLATE.replace("}}", '}, annotations: {onair.dev/e2e: "1"}}'))
    paused = shop.commit("Switch live by hand only, and start a switch")
    try:
        shop.followed("live", paused, shop.push(), shop.clusters)
        shop.each("live waits for its promotion", 120, lambda at: shop.rollout(at, "live").phase == "Paused")
        preview = {cluster: selector(shop, cluster, "live-preview") for cluster in shop.clusters}
        assert all(preview[cluster] != before[cluster] for cluster in shop.clusters)
        with ExitStack() as watching:
            watched = {
                at: watching.enter_context(Watch(shop, at, "/api/v1/namespaces/shop/services/live"))
                for at in shop.clusters
            }
            shop.edit(NETWORK, ACTIVE, ACTIVE.replace("live}}", "live, onair.dev/e2e: sync}}"))
            synced = shop.commit("Label the active Service in the middle of the pause")
            shop.followed("live", synced, shop.push(), shop.clusters)
            shop.each("the sync reached the active Service", 60, labelled)
        for cluster, watch in watched.items():
            colours = {found["spec"]["selector"].get(HASH) for _, found in watch.seen}
            assert colours == {before[cluster]}, f"{cluster}: the active selector went through {colours}"
            assert len(watch.seen) > 1, "the watch saw no change: it proves nothing"
            assert selector(shop, cluster, "live-preview") == preview[cluster]
            assert shop.rollout(cluster, "live").phase == "Paused"
    finally:
        shop.edit(WORKLOAD, BY_HAND, AUTOMATIC)
        promoted = shop.commit("Promote live")
        pushed = shop.push()
    shop.followed("live", promoted, pushed, shop.clusters)
    shop.each("promoted by the commit", 60, lambda at: selector(shop, at, "live") == preview[at])
    shop.settled()


def test_a_commit_that_does_not_render_stops_nothing_and_the_next_one_heals(shop: Shop) -> None:
    shop.catch_up()
    broken, whole = "local-kr", "local-us"
    version = shop.fetch(cluster=broken).headers["x-onair-version"]
    leaf = f"clusters/{broken}/apps/web/kustomization.yaml"
    text = (shop.path / leaf).read_text(encoding="utf-8")
    shop.edit(leaf, "../../../../apps/web/base", "../../../../apps/web/bass")
    shop.commit("A leaf that does not render")
    try:
        with pytest.raises(AssertionError, match="apps/web/bass"):
            shop.push()  # the gate
        pushed = shop.push("skip-gate")
        message = "Argo CD tells that web does not render"
        shop.wait(f"{broken}: {message}", 120, lambda: bool(shop.application(broken, "web").message))
        shop.say(f"{broken}: Argo CD's message came {time.monotonic() - pushed:.1f} s after the push")
        told = shop.onair("status")
        assert told.code == 1, "status finds nothing wrong"
        assert "apps/web/bass" in told.output, "Argo CD's own message is not shown"
        assert f"{broken}: Application web is Unknown" in told.output
        assert f"{whole}: Application web" not in told.output, "the other region's leaf is not broken"
        answer = shop.fetch(cluster=broken)
        assert (answer.status_code, answer.headers["x-onair-version"]) == (200, version), "the old version is gone"
        assert shop.rollout(broken, "web").phase == "Healthy"
    finally:
        (shop.path / leaf).write_text(text, encoding="utf-8")
        mended = shop.commit("Mend the leaf")
        pushed = shop.push()
    shop.followed("web", mended, pushed, [broken])
    assert shop.application(broken, "web").good
    shop.settled()


def test_a_deleted_service_and_a_bent_route_are_restored(shop: Shop) -> None:
    cluster = "local-kr"
    api, colour = shop.api(cluster), selector(shop, cluster, "catalog")
    service = "/api/v1/namespaces/shop/services/catalog"
    route = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web"
    uid, hosts = shop.read(cluster, service)["metadata"]["uid"], shop.read(cluster, route)["spec"]["hostnames"]
    catalogue = shop.load("/api/catalog/shows", cluster, 25, 300)
    pages = shop.load("/", cluster, 25, 300)
    with catalogue, pages:
        time.sleep(STEADY_SECONDS)  # the load before
        api.delete(service).raise_for_status()
        took = shop.wait(
            f"{cluster}: Service catalog restored",
            HEAL_SECONDS,
            lambda: api.get(service).status_code == 200 and shop.read(cluster, service)["metadata"]["uid"] != uid,
        )
        shop.say(f"{cluster}: the deleted Service catalog stood again after {took:.1f} s")
        patch = {"spec": {"hostnames": ["bent.invalid"]}}
        bent = {"content-type": "application/merge-patch+json"}
        api.patch(route, json=patch, headers=bent).raise_for_status()
        took = shop.wait(
            f"{cluster}: HTTPRoute web as git has it",
            HEAL_SECONDS,
            lambda: shop.read(cluster, route)["spec"]["hostnames"] == hosts,
        )
        shop.say(f"{cluster}: the HTTPRoute web was as git has it after {took:.1f} s")
        shop.wait("pages come again", 30, lambda: shop.fetch(cluster=cluster).status_code == 200)
        # Rollouts looks at a Service without a colour at its next resync only.
        took = shop.wait(f"{cluster}: its colour", RESYNC_SECONDS, lambda: selector(shop, cluster, "catalog") == colour)
        shop.say(f"{cluster}: Service catalog had its colour again {took:.1f} s later")
        time.sleep(STEADY_SECONDS)  # and after
    for name, load in (("catalog while its Service was deleted", catalogue), ("page while its route was bent", pages)):
        shop.tell(name, load.result)
        last = load.result.timeline[-4:-1]
        assert sum(step.failed for step in last) == 0, f"{name}: still failing at the end: {last}"
        assert sum(step.ok for step in last) > 0
    shop.settled()


def test_argo_cd_is_not_told_by_strangers(shop: Shop) -> None:
    """The webhook is public at the gateway: without the platform's signature it changes nothing."""
    for cluster in shop.clusters:
        node = shop.local.facts.cluster(cluster).nodes[0]
        host = f"argocd.{shop.local.facts.platform.spec.domains.local}"
        gateway = f"https://{node.address}:{shop.local.facts.platform.spec.edge.gateway_node_port}"
        for path in PATHS:
            with httpx.Client(verify=shop.trust, timeout=10) as client:
                answer = client.post(
                    gateway + path,
                    content=b'{"ref": "refs/heads/main"}',
                    headers={"Host": host, "X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=00"},
                    extensions={"sni_hostname": host},
                )
            assert 400 <= answer.status_code < 500, f"{cluster}: {path} takes a forged push: {answer.status_code}"
