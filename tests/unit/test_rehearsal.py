"""Nothing but an idle, healthy, local platform is broken on purpose."""

from __future__ import annotations

import fcntl
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.local.rehearsal import only_local, rehearsal
from onair.adapters.toolchain import locate
from onair.cli.app import main
from onair.core.facts import Environment
from onair.core.paths import Paths


@pytest.fixture
def local(root: Path, tmp_path: Path) -> LocalPlatform:
    """A platform of which nothing runs, with its folders in a test's own."""
    paths = Paths(tmp_path / "cache", tmp_path / "state", tmp_path / "run")
    paths.run.mkdir()
    return LocalPlatform(root, facts_file.read(root), paths, locate(root, paths.cache))


def enter(local: LocalPlatform) -> None:
    with rehearsal(local):
        pytest.fail("it was let in")


def kubeconfig(local: LocalPlatform, server: str) -> None:
    file = local.paths.kubeconfig("local-kr")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"clusters": [{"cluster": {"server": server}}]}))


def test_a_platform_that_is_down_is_refused(local: LocalPlatform) -> None:
    assert [f.rule for f in findings_of(lambda: enter(local))] == ["rehearsal/down"]
    shutil.rmtree(local.paths.run)
    assert [f.rule for f in findings_of(lambda: enter(local))] == ["rehearsal/down"]
    assert not local.paths.run.exists(), "a refusal leaves nothing behind"


def test_two_at_once_are_refused(local: LocalPlatform) -> None:
    with (local.paths.run / "rehearsal.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert [f.rule for f in findings_of(lambda: enter(local))] == ["rehearsal/busy"]


def test_a_kubeconfig_that_leads_elsewhere_is_refused(local: LocalPlatform) -> None:
    kubeconfig(local, "https://203.0.113.7:6443")
    (found,) = findings_of(lambda: enter(local))
    assert found.rule == "rehearsal/not-local"
    assert "https://203.0.113.7:6443, outside 10.60.0.0/14" in found.what


@pytest.mark.parametrize("server", ["https://prod.example:6443", "https:"])
def test_a_kubeconfig_with_a_name_is_refused(local: LocalPlatform, server: str) -> None:
    kubeconfig(local, server)
    assert [f.rule for f in findings_of(lambda: enter(local))] == ["rehearsal/not-local"]


def test_a_kubeconfig_of_the_local_pool_is_not_refused(local: LocalPlatform) -> None:
    kubeconfig(local, "https://10.60.0.194:6443")
    only_local(local)


def test_a_cluster_of_another_environment_is_refused(local: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    clusters = [
        c.model_copy(update={"spec": c.spec.model_copy(update={"environment": Environment.PROD})})
        for c in local.clusters
    ]
    monkeypatch.setattr(LocalPlatform, "clusters", clusters)
    (found,) = findings_of(lambda: enter(replace(local)))
    assert found.rule == "rehearsal/not-local"
    assert "is of prod" in found.what


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--attempts", "0"], "attempts: Input should be greater than or equal to 1"),
        (["--attempts", "900000"], "less than or equal to 200000"),
        (["--rate", "1"], "last longer than 3600 s"),
        (["--cut-for", "soon"], "--cut-for: 'soon' is no duration"),
        (["--cuts", "20", "--cut-for", "2m"], "do not fit"),
        (["--short", "--sales", "500"], "sales: Input should be less than or equal to 50"),
    ],
)
def test_bad_input_is_one_clear_message(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["storm", *words])
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert message in told
    assert "mend: onair storm --help" in told
