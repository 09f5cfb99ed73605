"""Retiring an Application: the commit, and the way it leaves a cluster."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from change_world import App, objects
from support import findings_of

from onair.core.change.retire import ABSENCES, Retirement, Standing, Step, absent, listed, plan, removal
from onair.core.change.vanish import RETIRED
from onair.core.gate.model import Object

ENVIRONMENTS = {"local-kr": "local", "local-us": "local", "prod-kr": "prod", "prod-us": "prod"}
APPS = [App(name, cluster) for cluster in ENVIRONMENTS for name in ("web", "chat")]
TEXTS = {
    RETIRED: "# head\nkind: Retired\nspec:\n  applications: []\n  objects: []\n",
    ABSENCES: "# head\nspec:\n  local: {}\n  prod:\n    apps/origin: IVS does it # for now\n",
    "apps/chat/base/kustomization.yaml": "resources: [workload.yaml]\n",
    "apps/chat/base/workload.yaml": "kind: Deployment\n",
    "apps/web/base/kustomization.yaml": "resources: []\n",
} | {f"{app.leaf}/kustomization.yaml": "kind: Kustomization\n" for app in APPS}
CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}"


def retire(
    *clusters: str,
    name: str = "chat",
    found: list[Object] | None = None,
    with_data: bool = False,
    reason: str = "nobody used it",
    texts: Mapping[str, str] = TEXTS,
) -> Retirement:
    return plan(name, clusters, APPS, texts, ENVIRONMENTS, objects=found or [], reason=reason, with_data=with_data)


def refused(**settings: Any) -> str:
    (one,) = findings_of(lambda: retire(*settings.pop("clusters", ()), **settings))
    assert one.mend
    return one.rule


def test_from_everywhere_goes_what_nothing_reaches_any_longer() -> None:
    made = retire()
    assert made.deleted == [
        "apps/chat/base/kustomization.yaml",
        "apps/chat/base/workload.yaml",
        *(f"clusters/{cluster}/apps/chat/kustomization.yaml" for cluster in sorted(ENVIRONMENTS)),
    ]
    assert set(made.files) == {RETIRED}
    entry = {"application": "chat", "clusters": sorted(ENVIRONMENTS), "reason": "nobody used it"}
    assert yaml.safe_load(made.files[RETIRED])["spec"] == {"applications": [entry], "objects": []}
    assert made.files[RETIRED].startswith("# head\n")
    assert made.message.splitlines()[0] == "Retire chat from local-kr, local-us, prod-kr, prod-us"


def test_from_one_environment_the_base_stays_and_the_absence_is_listed() -> None:
    made = retire("prod-us", "prod-kr")
    assert made.deleted == [f"clusters/prod-{region}/apps/chat/kustomization.yaml" for region in ("kr", "us")]
    absences = yaml.safe_load(made.files[ABSENCES])["spec"]
    assert absences == {"local": {}, "prod": {"apps/origin": "IVS does it", "apps/chat": "nobody used it"}}
    assert "# for now" in made.files[ABSENCES]


def test_an_absence_that_is_left_without_a_base_goes_too() -> None:
    texts = {**TEXTS, ABSENCES: TEXTS[ABSENCES] + "    apps/chat: not there yet\n"}
    standing = [app for app in APPS if app.cluster.startswith("local")]
    made = plan("chat", (), standing, texts, ENVIRONMENTS, reason="unused")
    assert yaml.safe_load(made.files[ABSENCES])["spec"]["prod"] == {"apps/origin": "IVS does it"}


def test_a_second_entry_joins_the_first() -> None:
    once = retire("prod-kr", "prod-us").files[RETIRED]
    twice = listed(
        once, {"application": "x", "clusters": ["local-kr"], "reason": 'it said "no": {really} # on', "withData": True}
    )
    entries = yaml.safe_load(twice)["spec"]["applications"]
    assert [entry["application"] for entry in entries] == ["x", "chat"]
    assert entries[0]["reason"] == 'it said "no": {really} # on'
    assert entries[0]["withData"] is True


def test_the_repositorys_own_files_take_an_entry(root: Path) -> None:
    text = listed((root / RETIRED).read_text(), {"application": "chat", "clusters": ["local-kr"], "reason": "unused"})
    assert yaml.safe_load(text)["spec"]["applications"][0]["application"] == "chat"
    for environment in ("local", "prod"):
        found = absent((root / ABSENCES).read_text(), environment, "apps/chat", "off: unused")
        assert yaml.safe_load(found)["spec"][environment]["apps/chat"] == "off: unused"


def test_data_is_not_lost_by_the_way() -> None:
    held = objects(CLAIM, application="chat")
    assert refused(found=held) == "retire/data"
    made = retire(found=held, with_data=True)
    assert yaml.safe_load(made.files[RETIRED])["spec"]["applications"][0]["withData"] is True
    kept = CLAIM.replace("}", ", annotations: {argocd.argoproj.io/sync-options: Delete=false}}")
    assert retire(found=objects(kept, application="chat")).deleted
    assert retire(found=objects(CLAIM, application="web")).deleted, "another Application's"


def test_what_cannot_be_retired_says_why() -> None:
    assert refused(name="chatt") == "retire/unknown"
    assert refused(clusters=["prod-kr", "moon"]) == "retire/unknown"
    assert refused(clusters=["prod-kr"]) == "retire/parity"
    assert refused(reason="") == "retire/reason"
    assert refused(reason="one\ntwo") == "retire/reason"
    assert refused(texts={**TEXTS, RETIRED: "spec: {}\n"}) == "retire/file"


def test_neither_the_foundation_nor_a_part_of_a_leaf_is_retired() -> None:
    def rule(name: str, leaf: str) -> str:
        app = App(leaf, area="infrastructure")
        named = type("Chart", (), {"name": name, "cluster": "prod-kr", "leaf": app.leaf, "body": app.body})()
        (one,) = findings_of(lambda: plan(name, (), [named], TEXTS, {"prod-kr": "prod"}, reason="unused"))
        return one.rule

    assert rule("argocd", "argocd") == "retire/foundation"
    assert rule("envoy-gateway", "gateway") == "retire/chart"


GENERATOR = {"metadata": {"name": "apps"}, "spec": {"syncPolicy": {"applicationsSync": "create-update"}}}


def application(name: str, *children: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"resources": [{"kind": "Application", "name": x} for x in children]}}


def test_a_chart_is_finalised_before_its_parent_is_deleted() -> None:
    standing = Standing(
        [application("gateway", "crds", "chart"), application("crds"), application("chart")], [GENERATOR], False
    )
    steps = removal("gateway", standing)
    assert steps == [
        Step("refresh", "apps"),
        *(Step("finalize", name) for name in ("chart", "crds", "gateway")),
        Step("delete", "gateway"),
        *(Step("gone", name) for name in ("chart", "crds", "gateway")),
    ]


def test_what_is_gone_needs_nothing() -> None:
    assert removal("chat", Standing([application("web")], [GENERATOR], True)) == []


def test_nothing_is_deleted_that_would_come_back_or_take_others_along() -> None:
    (one,) = findings_of(lambda: removal("chat", Standing([application("chat")], [GENERATOR], True)))
    assert one.rule == "retire/not-delivered"
    other = {"metadata": {"name": "apps"}, "spec": {"syncPolicy": {"applicationsSync": "sync"}}}
    (one,) = findings_of(lambda: removal("chat", Standing([application("chat")], [other], False)))
    assert one.rule == "retire/generator"
