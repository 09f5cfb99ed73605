"""What Argo CD would follow is told without a cluster, and what cannot be told is said."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from onair.core.gate.applicationsets import BOOTSTRAP, Expansion, applications_of, folders_of, matches

REPOSITORY = "https://example.test/onair.git"
BOOT = BOOTSTRAP.format(cluster="kr")
FOLDERS = folders_of(
    f"clusters/kr/{leaf}/kustomization.yaml"
    for leaf in (
        "apps/web",
        "apps/live",
        "apps/web/deep",
        "apps/.hidden",
        "infrastructure/dns",
        "infrastructure/argocd",
    )
)


def application(name: str, path: str, **source: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "p",
            "source": {"repoURL": REPOSITORY, "path": path, **source},
            "destination": {"namespace": "shop"},
        },
    }


def application_set(*directories: dict[str, Any], **template: Any) -> dict[str, Any]:
    made = application("{{.path.basename}}", "{{ .path.path }}")
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "apps", "namespace": "argocd"},
        "spec": {
            "goTemplate": True,
            "generators": [{"git": {"repoURL": REPOSITORY, "revision": "main", "directories": list(directories)}}],
            "template": {"metadata": {"name": "{{.path.basename}}"}, "spec": made["spec"], **template},
        },
    }


APPS = application_set({"path": "clusters/kr/apps/*"})


def expand(*objects: dict[str, Any], **leaves: list[dict[str, Any]]) -> Expansion:
    boot = [application("bootstrap", BOOT), *objects]
    return applications_of(
        "kr", FOLDERS, lambda leaf: boot if leaf == BOOT else leaves.get(leaf.rpartition("/")[2], [])
    )


def test_a_folder_is_an_application_and_excluded_hidden_and_deeper_ones_are_not() -> None:
    infrastructure = application_set(
        {"path": "clusters/kr/infrastructure/*"}, {"path": "clusters/kr/infrastructure/argocd", "exclude": True}
    )
    found = expand(APPS, infrastructure)
    assert [(each.name, each.path, each.namespace, each.project) for each in found.applications] == [
        ("bootstrap", BOOT, "shop", "p"),
        ("live", "clusters/kr/apps/live", "shop", "p"),
        ("web", "clusters/kr/apps/web", "shop", "p"),
        ("dns", "clusters/kr/infrastructure/dns", "shop", "p"),
    ]
    assert found.complete
    assert not found.findings
    assert {each.body["metadata"]["namespace"] for each in found.applications} == {"argocd"}


def test_every_part_of_a_template_is_filled() -> None:
    made = application_set({"path": "clusters/kr/apps/web"})
    made["spec"]["template"]["metadata"]["labels"] = {"in": "{{index .path.segments 1}}/{{.path.basenameNormalized}}"}
    (_, web) = expand(made).applications
    assert web.body["metadata"]["labels"] == {"in": "kr/web"}


def test_a_chart_inside_a_leaf_is_followed_from_upstream() -> None:
    chart = application("eg", "charts/eg", targetRevision="v1", helm={"skipCrds": True})
    chart["spec"]["source"]["repoURL"] = "http://10.0.0.1:80/mirrors/github.com/a/b.git"
    found = expand(APPS, web=[chart])
    (made,) = [each for each in found.applications if each.foreign]
    assert (made.name, made.leaf) == ("eg", "clusters/kr/apps/web")
    assert made.chart is not None
    assert made.chart["spec"]["source"]["repoURL"] == "https://github.com/a/b.git"


def test_a_generators_template_that_says_nothing_overrides_nothing() -> None:
    blank = copy.deepcopy(APPS)
    blank["spec"]["generators"][0]["git"]["template"] = {"metadata": {}, "spec": {"destination": {}, "project": ""}}
    found, expected = expand(blank), expand(APPS)
    assert not found.findings
    assert found.applications == expected.applications


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda spec: spec.pop("goTemplate"), "goTemplate"),
        (lambda spec: spec.update(templatePatch="x"), "templatePatch"),
        (lambda spec: spec["generators"].append({"list": {"elements": []}}), "generator list"),
        (lambda spec: spec["generators"][0].update(selector={}), "selector"),
        (lambda spec: spec["generators"][0]["git"].update(files=[]), "files"),
        (lambda spec: spec["generators"][0]["git"].update(template={"spec": {"project": "x"}}), "template"),
        (lambda spec: spec["generators"][0]["git"].update(repoURL="https://other"), "https://other"),
        (lambda spec: spec["template"]["metadata"].update(name="{{ .path.basename | upper }}"), "upper"),
        (lambda spec: spec["template"]["metadata"].update(name="{{index .path.segments 9}}"), "segments 9"),
        (lambda spec: spec["template"]["spec"].update(sources=[]), "one source"),
        (lambda spec: spec.update(generators=[[]]), "generator"),
        (lambda spec: spec["template"].update(spec=[1]), "list"),
        (lambda spec: spec.update(template=[1]), "list"),
    ],
)
def test_what_cannot_be_expanded_is_a_finding_and_the_rest_goes_on(change: Callable[[Any], object], named: str) -> None:
    broken = copy.deepcopy(APPS)
    change(broken["spec"])
    found = expand(broken, application_set({"path": "clusters/kr/infrastructure/dns"}))
    (finding,) = found.findings
    assert finding.rule == "applicationset/unsupported"
    assert named in finding.what
    assert not found.complete
    assert "dns" in [each.name for each in found.applications]


def test_two_applications_of_one_name_are_a_finding() -> None:
    found = expand(APPS, application_set({"path": "clusters/kr/apps/web"}))
    assert [each.rule for each in found.findings] == ["applicationset/duplicate"]


def test_a_cluster_that_nothing_brings_to_follow_git_is_a_finding() -> None:
    found = applications_of("kr", FOLDERS, lambda _: [APPS])
    assert [each.rule for each in found.findings] == ["applicationset/no-bootstrap"]
    assert not found.complete
    assert applications_of("kr", FOLDERS, lambda _: []).findings == [], "that it does not render is told elsewhere"


@pytest.mark.parametrize(
    ("pattern", "folder", "fits"),
    [
        ("clusters/*/apps/*", "clusters/kr/apps/web", True),
        ("clusters/*", "clusters/kr/apps", False),
        ("apps/w?b", "apps/web", True),
        ("apps/[a-w]*", "apps/xyz", False),
        ("apps/web", "apps/web2", False),
        ("apps/[ab", "apps/web", False),
    ],
)
def test_a_star_stops_at_a_slash(pattern: str, folder: str, fits: bool) -> None:
    assert matches(pattern, folder) == fits
