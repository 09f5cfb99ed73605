"""What the gate remembers is believed only while everything that it depends on is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks import seeds
from support import offline_kustomize

from onair.adapters.gate import check, code, invariants, tree, verdicts
from onair.adapters.gate.cache import Cache
from onair.adapters.gate.leaves import Leaves
from onair.adapters.gate.programs import Programs
from onair.core.finding import Finding, OnairError
from onair.core.gate.invariants.rules import Task
from onair.core.gate.policy.judge import Judge
from onair.core.report.model import Report

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
LEAF = "clusters/local-kr/apps/web/kustomization.yaml"
BASE = "apps/web/base/workload.yaml"
POLICY = "policies/probes.yaml"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    offline_kustomize(ROOT)
    folder = seeds.copy(tmp_path_factory.mktemp("memory") / "whole")
    seeds.commit(folder)
    return folder


@pytest.fixture
def clone(whole: Path, cache: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil, all of which the cache knows."""
    run(whole, cache)
    return Path(shutil.copytree(whole, tmp_path / "clone", symlinks=True))


def run(root: Path, cache: Path | None, now: datetime = NOW) -> Report:
    return check.run(root, check.Options(now=now, cache=cache))


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text()
    assert old in text, (path, old)
    (root / path).write_text(text.replace(old, new, 1))


def test_all_is_reused_where_nothing_changed(clone: Path, cache: Path) -> None:
    again = run(clone, cache)
    assert again.checked.reused == again.checked.applications > 40


def test_of_a_changed_leaf_only_the_changed_objects_are_judged(
    clone: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    kept = Judge.judge
    monkeypatch.setattr(Judge, "judge", lambda self, each: judged.append(each.kind) or kept(self, each))
    edit(clone, BASE, "limits: {memory: 224Mi}", "limits: {memory: 225Mi}")
    assert run(clone, cache).findings == run(clone, None).findings[:0] == []
    assert len([kind for kind in judged if kind == judged[0]]) > 0


def test_of_a_changed_leaf_only_its_cluster_and_its_pair_are_judged(
    clone: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh: list[tuple[str, ...]] = []
    kept = invariants._judged

    def judged(share: list[tuple[str, Task]], cache: Cache) -> Iterator[Finding]:
        fresh.extend(tuple(each.clusters) for _, each in share)
        return kept(share, cache)

    monkeypatch.setattr(invariants, "_judged", judged)
    monkeypatch.setattr(invariants, "aside", lambda work: work)
    run(clone, cache)
    assert fresh == [], "all is known"
    text = (clone / LEAF).read_text()
    old = text.partition("sha256:")[2][:8]
    edit(clone, LEAF, f"sha256:{old}", f"sha256:{int(old, 16) ^ 1:08x}")
    assert run(clone, cache).findings == []
    assert sorted(map(len, fresh)) == [1, 2, 4]
    assert ("local-kr",) in fresh
    assert ("local-kr", "local-us") in fresh


def test_two_halves_find_what_one_finds(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(clone, BASE, "limits: {memory: 224Mi}", "limits: {memory: lots}")
    found = []
    for many in (1, 10**9):
        monkeypatch.setattr(verdicts, "MANY", many)
        found.append(run(clone, None).findings)
    assert found[0] == found[1] != []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (BASE, "limits: {memory: 224Mi}", "limits: {memory: 64Mi}"),
        (BASE, "limits: {memory: 224Mi}", "limits: {memory: lots}"),
        ("clusters/prod-kr/facts/cluster.yaml", "pods: ", "pods: 10.1.0.0/30 # "),
        (LEAF, 'digest: "sha256:', 'digest: "sha512:'),
    ],
)
def test_a_fault_is_found_in_what_was_clean(path: str, old: str, new: str, clone: Path, cache: Path) -> None:
    edit(clone, path, old, new)
    assert _told(lambda: run(clone, cache))


def _told(action: Callable[[], Report]) -> list[Finding]:
    try:
        return list(action().findings)
    except OnairError as error:
        return list(error.findings)


def test_another_policy_judges_again(clone: Path, cache: Path) -> None:
    edit(clone, POLICY, "validations:\n", "validations:\n  - {expression: 1 == 2, message: never}\n")
    found = run(clone, cache)
    assert found.checked.reused == 0
    assert {each.rule for each in found.findings} == {f"policy/{Path(POLICY).stem}"}


def test_another_kubernetes_judges_again(clone: Path, cache: Path) -> None:
    edit(clone, "clusters/platform/platform.yaml", "kubernetes: 1.36", "kubernetes: 1.35")
    assert run(clone, cache).checked.reused == 0


DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.onair.test, labels: {app.kubernetes.io/name: things}}
spec:
  group: onair.test
  scope: Namespaced
  names: {kind: Thing, listKind: ThingList, plural: things, singular: thing}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer, maximum: 10}}}}
"""
THING = """apiVersion: onair.test/v1
kind: Thing
metadata: {name: one, namespace: kube-system, labels: {app.kubernetes.io/name: one}}
spec: {size: 7}
"""


def test_a_changed_definition_judges_its_objects_again(clone: Path, cache: Path) -> None:
    for part, file, text in (("data", "definition.yaml", DEFINITION), ("dns", "thing.yaml", THING)):
        base = f"infrastructure/{part}/base"
        (clone / base / file).write_text(text)
        edit(clone, f"{base}/kustomization.yaml", "resources: [", f"resources: [{file}, ")
    assert run(clone, cache).findings == []
    assert run(clone, cache).checked.reused == run(clone, cache).checked.applications
    edit(clone, "infrastructure/data/base/definition.yaml", "maximum: 10", "maximum: 5")
    found = run(clone, cache).findings
    assert {each.file for each in found} == {"infrastructure/dns/base/thing.yaml"}
    assert {each.rule.partition("/")[0] for each in found} == {"schema"}


def test_an_exception_holds_to_its_last_day(clone: Path, cache: Path) -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC)
    expired = run(clone, cache, later).findings
    assert {each.rule for each in expired} >= {"policy/exception-expired"}
    assert run(clone, cache).findings == []


def test_an_exception_that_is_withdrawn_excuses_no_longer(clone: Path, cache: Path) -> None:
    edit(clone, "policies/exceptions.yaml", "name: argocd-server\n", "name: argocd-servant\n")
    assert "policy/rbac-no-wildcard" in {each.rule for each in run(clone, cache).findings}


@pytest.mark.parametrize("pin", ["kustomize/go.mod", "helm/go.sum"])
def test_another_renderer_renders_again(pin: str, clone: Path, cache: Path) -> None:
    def key() -> str:
        with Leaves(tree.read(clone).files, clone, Cache(cache)) as leaves:
            return leaves.leaf(str(Path(LEAF).parent)).key

    before = key()
    assert key() == before
    edit(clone, f"infrastructure/toolchain/{pin}", "v1", "v9")
    with Leaves(tree.read(clone).files, clone, Cache(cache)) as leaves:
        assert leaves._key(str(Path(LEAF).parent)) != before


def test_other_code_judges_again(clone: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "whole", lambda: "another")
    assert run(clone, cache).checked.reused == 0


def test_a_clean_verdict_is_remembered_and_a_finding_is_not(tmp_path: Path) -> None:
    cache, fault, asked = Cache(tmp_path), Finding(rule="a/b", what="x"), list[int]()

    def judge(found: list[Finding]) -> Callable[[], list[Finding]]:
        return lambda: asked.append(1) or found

    for _ in range(2):
        assert cache.clean("bad", judge([fault])) == [fault]
        assert cache.clean("good", judge([])) == []
    assert len(asked) == 3


def test_the_toolchain_is_read_again_when_a_pin_changes(tmp_path: Path) -> None:
    home = Path(shutil.copytree(ROOT / "infrastructure/toolchain", tmp_path / "infrastructure/toolchain")).parents[1]
    store = Cache(tmp_path / "store")
    before = Programs(home, store)._toolchain
    assert Programs(home, store)._toolchain == before
    assert before.binaries.keys() == {"kustomize", "helm"}
    with (home / "infrastructure/toolchain/kustomize/go.sum").open("a") as file:
        file.write("example.org/other v1.0.0 h1:x\n")
    after = Programs(home, store)._toolchain
    assert after.binaries["kustomize"] != before.binaries["kustomize"]
    assert after.binaries["helm"] == before.binaries["helm"]


def test_mirrors_that_are_here_are_read_and_others_are_asked_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONAIR_CACHE", str(tmp_path / "cache"))
    store = Cache(tmp_path / "store")
    assert Programs(ROOT, store).environment == {}, "there is none yet"
    mirror = tmp_path / "cache/mirrors/github.com/argoproj/argo-cd.git"
    mirror.mkdir(parents=True)
    found = Programs(ROOT, store).environment
    assert found["GIT_CONFIG_COUNT"] == "2", "with and without .git"
    assert {found[f"GIT_CONFIG_KEY_{i}"] for i in range(2)} == {f"url.{mirror}.insteadOf"}


def test_code_is_named_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "_TOP", tmp_path)
    (tmp_path / "core").mkdir()

    def name() -> str:
        code.named.cache_clear()
        return code.named("core")

    (tmp_path / "core/a.py").write_text("a = 1\n")
    first = name()
    (tmp_path / "core/a.py").write_text("a = 2\n")
    second = name()
    (tmp_path / "core/a.py").rename(tmp_path / "core/b.py")
    assert len({first, second, name()}) == 3
    code.named.cache_clear()
    assert code.versions()["pyyaml"][0].isdigit()
    keys = {
        verdicts.rules_key(texts, versions, holds)
        for texts in (["p"], ["q"])
        for versions in (("code", "1.36"), ("code", "1.37"), ("other", "1.36"))
        for holds in ([True], [False])
    }
    assert len(keys) == 12
