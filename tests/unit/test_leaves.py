"""The GitOps tree, file by file: what no rendering tells."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KUSTOMIZATIONS = sorted([*ROOT.glob("clusters/**/kustomization.yaml"), *ROOT.glob("*/*/**/kustomization.yaml")])
PLATFORM = yaml.safe_load((ROOT / "clusters/platform/platform.yaml").read_text())["spec"]
REMOTE = re.compile(r"https://github\.com/[\w.-]+/([\w.-]+)\.git//[\w/-]+\?ref=(?:[\w-]+/)?v([0-9.]+)")


def load(path: Path) -> Any:  # noqa: ANN401
    return yaml.safe_load(path.read_text())


def documents(path: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / path).read_text()))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT).parent)


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=name)
def test_remote_bases_are_pinned_to_the_platforms_versions(path: Path) -> None:
    content = load(path)
    names = {"argo-cd": "argocd", "autoscaler": "vertical-pod-autoscaler"}
    for resource in [*content.get("resources", []), *content.get("components", [])]:
        if "://" in resource or "?ref" in resource:
            pinned = REMOTE.fullmatch(resource)
            assert pinned, resource
            assert pinned[2] == PLATFORM["versions"][names.get(pinned[1], pinned[1])]
    for image in content.get("images", []):
        assert "digest" in image or image["newTag"] != "latest"


def applications() -> list[dict[str, Any]]:
    """Every Application, and every ApplicationSet's template of one."""
    found = []
    for file in (
        "argocd/base/bootstrap.yaml",
        "argocd/base/applicationsets.yaml",
        "gateway/base/charts.yaml",
    ):
        for document in documents(f"infrastructure/{file}"):
            found.append(document["spec"]["template"] if document["kind"] == "ApplicationSet" else document)
    return found


def test_there_are_two_applicationsets_over_the_leaves() -> None:
    sets = {found["metadata"]["name"]: found for found in documents("infrastructure/argocd/base/applicationsets.yaml")}
    assert set(sets) == {"infrastructure", "apps"}
    for area, found in sets.items():
        spec = found["spec"]
        assert spec["syncPolicy"] == {
            "applicationsSync": "create-update",
            "preserveResourcesOnDeletion": True,
        }
        assert spec["goTemplateOptions"] == ["missingkey=error"]
        (generator,) = spec["generators"]
        assert generator["git"]["directories"][0] == {"path": f"clusters/cluster/{area}/*"}
        assert spec["template"]["spec"]["project"] == area


@pytest.mark.parametrize("application", applications(), ids=lambda found: found["metadata"]["name"])
def test_application_heals_and_never_gives_up(application: dict[str, Any]) -> None:
    spec = application["spec"]
    policy = spec["syncPolicy"]
    assert policy["automated"]["selfHeal"]
    assert policy["retry"]["limit"] == -1
    assert policy["retry"]["refresh"]
    assert policy["retry"]["backoff"]["maxDuration"] == "1m"
    assert spec["destination"]["server"] == "https://kubernetes.default.svc", "each Argo CD manages its own cluster"
    assert spec["project"] in {
        found["metadata"]["name"] for found in documents("infrastructure/argocd/base/projects.yaml")
    }
    assert spec["source"]["targetRevision"] in {
        "refs/heads/main",
        f"v{PLATFORM['versions']['envoy-gateway']}",
    }
    assert "ApplyOutOfSyncOnly=true" not in policy["syncOptions"]


def test_only_infrastructure_is_applied_server_side() -> None:
    for application in applications():
        spec = application["spec"]
        server_side = "ServerSideApply=true" in spec["syncPolicy"]["syncOptions"]
        assert server_side == (spec["project"] != "apps")
        # ServerSideDiff asks the API server about each object after each commit: 4 processor-seconds a part with CRDs.
        assert "argocd.argoproj.io/compare-options" not in application["metadata"].get("annotations", {})
        if not server_side:
            assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
            pointers = {pointer for entry in spec["ignoreDifferences"] for pointer in entry["jsonPointers"]}
            assert pointers == {"/spec/selector/rollouts-pod-template-hash", "/spec/replicas"}


def test_refresh_follows_every_folder_that_feeds_a_leaf() -> None:
    for application in applications():
        if "helm" in application["spec"]["source"]:
            continue
        paths = application["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"].split(";")
        shared = {
            "/clusters/cluster/facts",
            "/clusters/platform",
            "/apps/components",
            "/infrastructure/components",
        }
        assert {".", *shared} < set(paths)
        assert any(path.endswith("/base") for path in paths)


def test_projects_are_narrow() -> None:
    for project in documents("infrastructure/argocd/base/projects.yaml"):
        spec = project["spec"]
        assert not [repository for repository in spec["sourceRepos"] if "*" in repository]
        for destination in spec["destinations"]:
            assert "*" not in destination["namespace"]
            assert destination["server"] == "https://kubernetes.default.svc"
        for kind in spec["clusterResourceWhitelist"]:
            assert "*" not in kind.values()


def test_what_reaches_the_databases_reaches_them_in_the_clouds_too() -> None:
    policies = [
        (file, found)
        for file in sorted(ROOT.glob("apps/*/base/*.yaml"))
        for found in documents(str(file.relative_to(ROOT)))
        if found and found["kind"] == "NetworkPolicy"
    ]
    assert policies
    for file, found in policies:
        labelled = found["metadata"].get("labels", {}).get("onair.dev/reaches-data") == "true"
        assert ("'kubernetes.io/metadata.name': 'data'" in str(found["spec"].get("egress"))) is labelled, file
