"""The whole repository renders as its clusters would have it; the quick way is the same as the long one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import offline_kustomize

from onair.adapters import kustomize
from onair.adapters.gate import render, tree
from onair.adapters.gate.cache import Cache, default_folder, key_of
from onair.adapters.gate.render import Rendered
from onair.core.gate.model import Object
from onair.core.paths import Paths

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
Edit = Callable[[Path], None]


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """Build Kustomize and the mirrors where they are not there yet."""
    offline_kustomize(ROOT)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def rendered(cache: Path) -> Rendered:
    return render.render(ROOT, cache=cache)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what is delivered, which a test may spoil."""
    for path, text in tree.read(ROOT).files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def replace(path: str, old: str, new: str) -> Edit:
    def edit(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new, 1))

    return edit


def ids(found: Rendered) -> list[tuple[str, str, str, str]]:
    return sorted((each.cluster, each.application, each.kind, each.name) for each in found.estate_objects)


def test_every_leaf_and_chart_of_every_cluster_is_there(rendered: Rendered) -> None:
    assert rendered.findings == []
    assert {each.application.path for each in rendered.synced if not each.application.foreign} == {
        str(path.parent.relative_to(ROOT)) for path in ROOT.glob("clusters/*/*/*/kustomization.yaml")
    }
    charts = [each for each in rendered.synced if each.application.foreign]
    assert len(charts) == 2 * len({each.cluster for each in rendered.applications})
    assert all(each.objects for each in rendered.synced)
    assert all(each.part.key for each in rendered.synced), "a part without a key is rendered at each run"


def test_namespaced_objects_say_where_they_go(rendered: Rendered) -> None:
    kinds = {"Deployment", "StatefulSet", "Service", "ConfigMap", "Role", "Rollout", "HTTPRoute", "ServiceAccount"}
    assert not [str(each.identity) for each in rendered.estate_objects if each.kind in kinds and not each.namespace]
    assert not [
        each for each in rendered.estate_objects if each.kind in ("Namespace", "ClusterRole") and each.namespace
    ]


@pytest.mark.parametrize("part", ["argocd", "rollouts"])
def test_without_schemas_and_network_the_result_is_the_same(rendered: Rendered, part: str) -> None:
    leaf = f"clusters/prod-kr/infrastructure/{part}"
    binary, environment = offline_kustomize(ROOT)
    whole = kustomize.build(ROOT / leaf, binary=binary, environment=environment)
    (synced,) = [each for each in rendered.synced if each.application.path == leaf]
    assert "CustomResourceDefinition" in {each["kind"] for each in whole}
    assert synced.part.bodies == whole


def test_the_cache_gives_the_same_and_runs_nothing(
    rendered: Rendered, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tree.read(ROOT).files
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a program was run"))
    again = render.render_files(files, root=ROOT, cache=cache)
    assert ids(again) == ids(rendered)
    assert [each.body for each in again.estate_objects] == [each.body for each in rendered.estate_objects]


def test_one_edit_renders_one_leaf_again(clone: Path, cache: Path, rendered: Rendered) -> None:
    before = {each.application.path: each.part.key for each in render.render(clone, cache=cache).synced}
    replace("clusters/prod-kr/apps/web/kustomization.yaml", "kind: Kustomization", "kind: Kustomization # edited")(
        clone
    )
    after = {each.application.path: each.part.key for each in render.render(clone, cache=cache).synced}
    assert [path for path in after if after[path] != before[path]] == ["clusters/prod-kr/apps/web"]
    assert before["clusters/prod-us/apps/web"] in {each.part.key for each in rendered.synced}


@pytest.mark.parametrize("area", ["leaves", "charts", "schemas", "bases", "references"])
def test_damaged_entries_are_thrown_away_and_rendered_again(
    area: str, rendered: Rendered, cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(cache, folder)
    damaged = sorted(folder.glob(f"*/{area}/*"))
    assert damaged
    for file in damaged[::2]:
        file.write_bytes(file.read_bytes()[:-7])
    again = render.render(ROOT, clusters=["prod-kr"], cache=folder)
    wanted = [each.body for each in rendered.estate_objects if each.cluster == "prod-kr"]
    assert [each.body for each in again.estate_objects] == wanted
    assert again.findings == []


@pytest.mark.parametrize(
    ("edit", "rule", "file", "line", "word"),
    [
        (replace("apps/web/base/workload.yaml", "spec: {maxUnavailable: 1,", "spec: {,"), "render/failed",
         "apps/web/base/workload.yaml", 39, "web"),
        (replace("apps/web/base/kustomization.yaml", "namespace:", "resourcez: []\nnamespace:"), "render/failed",
         "apps/web/base/kustomization.yaml", None, 'unknown field "resourcez'),
        (replace("apps/web/base/kustomization.yaml", "workload.yaml", "work.yaml"), "tree/missing-reference",
         "apps/web/base/kustomization.yaml", 4, "work.yaml does not exist"),
        (replace("clusters/platform/replacements/network.yaml", "spec.network.dns", "spec.network.no"), "render/failed",
         "clusters/platform/kustomization.yaml", None, "spec.network.no"),
        (replace("infrastructure/rollouts/base/kustomization.yaml", "?ref=v1", "?ref=v99"), "render/failed",
         "infrastructure/rollouts/base/kustomization.yaml", None, "v99"),
        (replace("infrastructure/gateway/base/charts.yaml", "charts/gateway-helm", "charts/none"), "render/failed",
         "clusters/prod-kr/infrastructure/gateway/kustomization.yaml", None, "charts/none"),
        (replace("infrastructure/gateway/base/charts.yaml", "path: charts/gateway-helm", "chart: gateway-helm"),
         "render/unsupported", "clusters/prod-kr/infrastructure/gateway/kustomization.yaml", None, "envoy-gateway"),
        (replace("infrastructure/argocd/base/applicationsets.yaml", "path.basename", "path.nothing"),
         "applicationset/unsupported", "clusters/prod-kr/infrastructure/argocd/kustomization.yaml", None, "nothing"),
    ],
)  # fmt: skip
def test_a_fault_is_one_finding_and_the_other_leaves_go_on(
    edit: Edit, rule: str, file: str, line: int | None, word: str, clone: Path, cache: Path, rendered: Rendered
) -> None:
    edit(clone)
    found = render.render(clone, clusters=["prod-kr"], cache=cache)
    (finding,) = found.findings
    assert (finding.rule, finding.file, finding.line) == (rule, file, line)
    assert word in finding.what
    assert finding.mend
    assert str(clone) not in finding.what
    if "platform" not in file:  # that one breaks every leaf
        assert 0 < len(found.estate_objects) < len([e for e in rendered.estate_objects if e.cluster == "prod-kr"])


def test_a_leaf_that_no_application_syncs_is_told(clone: Path, cache: Path) -> None:
    shutil.copytree(clone / "clusters/prod-kr/apps/web", clone / "clusters/prod-kr/others/web")
    (finding,) = render.render(clone, cache=cache).findings
    assert (finding.rule, finding.file) == ("tree/unreached", "clusters/prod-kr/others/web/kustomization.yaml")


def test_a_commit_renders_beside_the_working_tree(cache: Path) -> None:
    found = render.render_files(tree.at(ROOT, "HEAD").files, root=ROOT, clusters=["prod-us"], cache=cache)
    assert {each.application for each in found.estate_objects} >= {"bootstrap", "web", "envoy-gateway"}


def test_a_cache_keeps_plain_values_and_prunes_old_ones(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("a", "old", [1])
    cache.put("a", "new", {"x": [None, True, 1.5, "é"]})
    cache.put("a", "no", object())
    (old,) = tmp_path.glob("*/a/old")
    os.utime(old, (0, 0))
    assert cache.prune() == 1
    assert cache.prune() == 0
    assert (cache.get("a", "old"), cache.get("a", "no")) == (None, None)
    assert cache.get("a", "new") == {"x": [None, True, 1.5, "é"]}
    assert not list(tmp_path.glob("*/a/.*")), "nothing half written stays"
    assert Cache(None).get("a", "new") is None
    assert key_of("ab", "c") != key_of("a", "bc")


def test_the_cache_is_the_users_own_where_the_platforms_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONAIR_CACHE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Paths.of().cache / "gate" == tmp_path / "gate"
    monkeypatch.setenv("ONAIR_CACHE", str(tmp_path / "none"))
    assert default_folder() == Path("/somewhere/onair/gate")


def test_objects_know_their_application(rendered: Rendered) -> None:
    def of(cluster: str, name: str) -> set[Object]:
        return {each for each in rendered.estate_objects if (each.cluster, each.application) == (cluster, name)}

    assert {each.leaf for each in of("local-us", "envoy-gateway")} == {"clusters/local-us/infrastructure/gateway"}
    assert {each.leaf for each in of("local-us", "web")} == {"clusters/local-us/apps/web"}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository of one cluster that needs neither network nor toolchain of its own."""
    boot = "clusters/kr/infrastructure/argocd"
    kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n"
    files = {
        f"{boot}/kustomization.yaml": kustomization,
        f"{boot}/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: bootstrap}\n"
        f"spec: {{source: {{repoURL: git, path: {boot}}}, destination: {{namespace: argocd}}}}\n",
    }
    for path, text in files.items():
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).write_text(text)
    return tmp_path / "root"


def without_toolchain(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONAIR_CACHE", str(folder / "empty"))
    path = folder / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path


def test_kubectl_renders_where_the_toolchain_is_not_built(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary, _ = offline_kustomize(ROOT)
    kubectl = without_toolchain(tmp_path, monkeypatch) / "kubectl"
    kubectl.write_text(f'#!/bin/sh\n[ "$1" = kustomize ] && exec {binary} build "$2"\necho stand-in\n')
    kubectl.chmod(0o755)
    found = render.render(small, cache=tmp_path / "cache")
    assert found.findings == []
    assert [(each.name, each.namespace) for each in found.estate_objects] == [("bootstrap", "")]
    assert not list((tmp_path / "cache").glob("*/leaves/*")), "another version's result is not the pinned one's"


def test_a_kubectl_with_an_older_kustomize_is_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = without_toolchain(tmp_path, monkeypatch) / "kubectl"
    kubectl.write_text('#!/bin/sh\necho "Client Version: v1.32.4"\necho "Kustomize Version: v5.5.0"\n')
    kubectl.chmod(0o755)
    (finding,) = render.render(small).findings
    assert (finding.rule, "kubectl's is 5.5, older than the pinned" in finding.what) == ("render/no-program", True)


def test_without_any_program_it_is_said_how_to_get_one(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_toolchain(tmp_path, monkeypatch)
    (finding,) = render.render(small).findings
    assert finding.rule == "render/no-program"
    assert "onair toolchain" in finding.mend
