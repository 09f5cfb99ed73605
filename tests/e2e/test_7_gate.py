"""The gate and the regions agree: on a refused push, on a policy, on an Application that goes on purpose."""

from __future__ import annotations

import json

import pytest
from e2e.shop import Shop

WORKLOAD = "apps/live/base/workload.yaml"
LIMIT = "limits: {memory:"
GUEST = """apiVersion: v1
kind: ConfigMap
metadata: {name: guest, labels: {app.kubernetes.io/name: guest}}
data: {said: hello}
"""
BASE = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [guest.yaml]\n"
LEAF = """apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../../../apps/guest/base]
components: [../../facts]
"""


def test_a_push_that_breaks_a_policy_is_refused_with_its_findings(shop: Shop) -> None:
    shop.catch_up()
    before = shop.git("ls-remote", "regions", "main")
    text = (shop.path / WORKLOAD).read_text(encoding="utf-8")
    assert LIMIT in text
    (shop.path / WORKLOAD).write_text(text.replace(LIMIT, "limits: {cpu:"), encoding="utf-8")
    shop.commit("A workload without a memory limit")
    try:
        with pytest.raises(AssertionError, match="policy/memory-limit") as refused:
            shop.push()
        assert WORKLOAD in str(refused.value), "the finding does not say where"
        assert "mend:" in str(refused.value)
        assert shop.git("ls-remote", "regions", "main") == before
    finally:
        shop.git("reset", "--quiet", "--hard", "HEAD~1")


def test_what_skips_the_gate_is_on_record_and_the_cluster_still_refuses_it(shop: Shop) -> None:
    shop.catch_up()
    text = (shop.path / WORKLOAD).read_text(encoding="utf-8")
    (shop.path / WORKLOAD).write_text(text.replace(LIMIT, "limits: {cpu:"), encoding="utf-8")
    broken = shop.commit("A workload without a memory limit, rehearsed")
    try:
        shop.push("skip-gate")
        skipped = (shop.local.paths.state / "log/gate-skipped.log").read_text(encoding="utf-8")
        assert broken in skipped
        denied = "memory"

        def refused(cluster: str) -> bool | str:
            status = shop.read(cluster, "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/live")["status"]
            said = json.dumps(status.get("operationState", {})) + json.dumps(status.get("conditions", []))
            return ("ValidatingAdmissionPolicy" in said and denied in said) or said[-300:]

        shop.each("the policy denies the sync of live", 120, refused)
        assert all(shop.rollout(cluster, "live").phase == "Healthy" for cluster in shop.clusters)
    finally:
        (shop.path / WORKLOAD).write_text(text, encoding="utf-8")
        mended = shop.commit("Give it its limit back")
        pushed = shop.push()
    shop.followed("live", mended, pushed, shop.clusters)
    shop.each("live is as git has it", 60, lambda cluster: shop.application(cluster, "live").good)


def test_a_retired_application_goes_from_git_first_and_then_from_the_regions(shop: Shop) -> None:
    shop.catch_up()
    written = {"apps/guest/base/guest.yaml": GUEST, "apps/guest/base/kustomization.yaml": BASE}
    written |= {f"clusters/{cluster}/apps/guest/kustomization.yaml": LEAF for cluster in shop.clusters}
    for path, text in written.items():
        (shop.path / path).parent.mkdir(parents=True, exist_ok=True)
        (shop.path / path).write_text(text, encoding="utf-8")
    shop.git("add", *written)
    came = shop.commit("A guest, for a rehearsal of its leaving")
    shop.followed("guest", came, shop.push("skip-gate"), shop.clusters)  # it is not in prod

    done = shop.onair("retire", "guest", "--reason", "rehearsed")
    assert done.code == 0, done.output
    assert not (shop.path / "clusters/local-kr/apps/guest").exists()
    held = "/api/v1/namespaces/shop/configmaps/guest"
    early = shop.onair("retire", "guest", "--finish")
    assert early.code == 2, "it was taken away while git still had it"
    shop.push()  # the gate knows that it goes on purpose
    for cluster in shop.clusters:
        assert shop.read(cluster, held)["data"] == {"said": "hello"}, "the push alone took it away"

    done = shop.onair("retire", "guest", "--finish")
    assert done.code == 0, done.output
    for cluster in shop.clusters:
        assert shop.api(cluster).get(held).status_code == 404, f"{cluster}: the ConfigMap stayed"
    assert shop.onair("retire", "guest", "--finish").code == 2, "it was there to be retired twice"
    shop.settled()
