"""What a change takes away."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from change_world import App, objects
from msgspec import convert

from onair.core.change.compare import compare
from onair.core.change.data import read
from onair.core.change.vanish import RETIRED, Retired, losses, pruned, unlisted
from onair.core.gate.model import Object

CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop%s}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"


def retired(**spec: Any) -> Retired:
    content = {"apiVersion": "onair.dev/v1", "kind": "Retired", "metadata": {"name": "retired"}, "spec": spec}
    return convert(content, Retired)


def gone(before: list[Object], after: list[Object], *applications: App) -> list[str]:
    return [str(x.identity) for x in pruned(compare(before, after), before, applications or (App("web"),))]


def test_an_application_that_vanishes_unlisted_is_a_finding() -> None:
    (one,) = unlisted([App("web"), App("chat")], [App("web")], retired())
    assert (one.rule, one.file) == ("change/vanishes", "clusters/prod-kr/apps/chat/kustomization.yaml")
    assert "onair retire chat" in one.mend


def test_one_that_is_listed_may_go_from_its_clusters_alone() -> None:
    listed = retired(applications=[{"application": "chat", "clusters": ["prod-kr"], "reason": "unused"}])
    assert unlisted([App("chat")], [], listed) == []
    assert [x.rule for x in unlisted([App("chat", "prod-us")], [], listed)] == ["change/vanishes"]


def test_an_entry_for_what_stands_is_a_finding() -> None:
    listed = retired(applications=[{"application": "web", "clusters": ["prod-kr"], "reason": "unused"}])
    assert [x.rule for x in unlisted([App("web")], [App("web")], listed)] == ["change/retired-stands"]


def test_what_git_no_longer_has_is_pruned_by_an_application_that_stands() -> None:
    assert gone(objects(SERVICE), []) == ["Service shop/web"]
    assert gone(objects(SERVICE), [], App("web", prune=False)) == []
    assert gone(objects(SERVICE), [], App("live")) == [], (
        "an Application that vanished syncs nothing, so it prunes nothing"
    )


@pytest.mark.parametrize("option", ["Prune=false", "Prune=confirm", "Validate=false, Prune=false"])
def test_what_is_annotated_stays(option: str) -> None:
    annotated = CLAIM % f", annotations: {{argocd.argoproj.io/sync-options: '{option}'}}"
    assert gone(objects(annotated), []) == []


def test_hooks_are_not_pruned() -> None:
    hook = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, annotations: {argocd.argoproj.io/hook: PreSync}}"
    assert gone(objects(hook), []) == []


def test_what_moves_to_another_application_may_be_pruned_by_the_first() -> None:
    moved = gone(objects(SERVICE), objects(SERVICE, application="live"), App("web"), App("live"))
    assert moved == ["Service shop/web"]


def test_a_charts_objects_go_with_it_where_it_has_the_finalizer() -> None:
    chart = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: chart, namespace: argocd%s}\n"
    finalizer = ", finalizers: [resources-finalizer.argocd.argoproj.io]"
    definition = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    made = objects(CLAIM % "" + definition, application="chart")
    assert gone(objects(chart % "") + made, made) == ["Application argocd/chart"]
    assert gone(objects(chart % finalizer) + made, []) == [
        "Application argocd/chart",
        "PersistentVolumeClaim shop/data",
    ], "Argo CD keeps definitions"


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (CLAIM % "", True),
        ("kind: Namespace\nmetadata: {name: x}", True),
        ("kind: CustomResourceDefinition\nmetadata: {name: x}", True),
        ("kind: PersistentVolume\nmetadata: {name: x}", True),
        (
            "kind: StatefulSet\nmetadata: {name: x}\n"
            "spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}",
            True,
        ),
        ("kind: StatefulSet\nmetadata: {name: x}\nspec: {volumeClaimTemplates: [{}]}", False),  # its claims stay
        (SERVICE, False),
    ],
)
def test_what_holds_data_is_a_finding(text: str, lost: bool) -> None:
    found = losses(objects(text), retired())
    assert [x.rule for x in found] == (["change/pruned"] if lost else [])


def test_an_object_on_the_list_may_go() -> None:
    entry = {"cluster": "prod-kr", "object": "PersistentVolumeClaim shop/data", "reason": "moved to Aurora"}
    assert losses(objects(CLAIM % ""), retired(objects=[entry])) == []
    assert len(losses(objects(CLAIM % "", cluster="prod-us"), retired(objects=[entry]))) == 1


def test_the_repositorys_list_can_be_read(root: Path) -> None:
    model, faults = read(Retired, RETIRED, yaml.safe_load((root / RETIRED).read_text()))
    assert model is not None
    assert faults == []
