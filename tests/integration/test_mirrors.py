import os
import subprocess
from pathlib import Path

import pytest
from support import Recorder, findings_of, offline_kustomize

from onair.adapters import mirrors, toolchain
from onair.core.progress import Silent

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mirrors.ensure(root, tmp_path_factory.mktemp("cache"), Silent())


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", repository, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def heads(base: Path) -> dict[str, str]:
    found = sorted(base.glob("*/*/*.git"))
    return {str(path.relative_to(base)): git(path, "rev-parse", "refs/heads/main") for path in found}


def test_mirrors_have_the_pinned_tag_and_only_what_is_needed(root: Path, made: Path) -> None:
    tools = toolchain.load(root)
    for tool in tools.values():
        if tool.recipe.mirror:
            repository = made / f"{tool.recipe.mirror.repository}.git"
            place = f"{tool.tag}:{tool.recipe.mirror.below}"
            files = git(repository, "ls-tree", "-r", "--name-only", place).split()
            assert {next(x for x in tool.recipe.mirror.folders if f.startswith(f"{x}/")) for f in files} == {
                *tool.recipe.mirror.folders
            }
    assert len(heads(made)) == sum(tool.recipe.mirror is not None for tool in tools.values())


def test_a_second_run_does_nothing_and_the_commit_is_always_the_same(
    root: Path, made: Path, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors.ensure(root, made.parent, recorder)
    assert recorder.steps == []
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody else")
    monkeypatch.setenv("TZ", "Asia/Seoul")
    assert heads(mirrors.ensure(root, tmp_path, Silent())) == heads(made)


def test_an_unfinished_mirror_is_finished(root: Path, made: Path, recorder: Recorder) -> None:
    before = heads(made)
    repository = made / "github.com/kubernetes-sigs/metrics-server.git"
    git(repository, "tag", "--delete", git(repository, "tag"))
    mirrors.ensure(root, made.parent, recorder)
    assert len(recorder.steps) == 1
    assert heads(made) == before


def test_a_file_in_the_way_is_one_clear_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mirrors").write_text("")
    (found,) = findings_of(lambda: mirrors.ensure(root, tmp_path, Silent()))
    assert "mirrors" in found.mend


def test_remote_bases_build_off_line(root: Path, made: Path, tmp_path: Path) -> None:
    kustomize, _ = offline_kustomize(root)
    version = toolchain.load(root)["metrics-server"].tag
    base = f"https://github.com/kubernetes-sigs/metrics-server//manifests/base?ref={version}"
    (tmp_path / "kustomization.yaml").write_text(f"resources: ['{base}']\n")
    unreachable = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    environment = {**os.environ, **unreachable, **mirrors.git_environment(root, made)}
    built = subprocess.run([kustomize, "build", tmp_path], env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "name: v1beta1.metrics.k8s.io" in built.stdout
