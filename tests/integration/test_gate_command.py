"""The gate as people use it: commands, exit codes, formats, and the git server's hook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from benchmarks import gate, seeds
from support import offline_kustomize

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
BASE = "apps/web/base/workload.yaml"
LIMIT = ("limits: {memory: 224Mi}", "limits: {cpu: 1}")
LINE = 2
PLACE = f"{BASE}:{LINE}"
"""A policy judges an object, whose first line this is."""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    offline_kustomize(ROOT)
    return seeds.committed(tmp_path_factory.mktemp("command") / "whole")


@pytest.fixture
def clone(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil; ``main`` is what the clusters follow."""
    return Path(shutil.copytree(whole, tmp_path / "clone", symlinks=True))


@pytest.fixture
def onair(clone: Path, cache: Path) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "onair", *words]
        return subprocess.run(
            command, cwd=clone, env=gate.environment(clone, cache), capture_output=True, text=True, check=False
        )

    return run


def spoil(root: Path) -> None:
    text = (root / BASE).read_text()
    assert LIMIT[0] in text
    (root / BASE).write_text(text.replace(*LIMIT))


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@onair.test", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True).stdout


def test_a_clean_tree_is_counted_and_exits_with_0(onair: Run) -> None:
    done = onair("check")
    assert (done.returncode, done.stderr) == (0, "")
    checked, verdict = done.stdout.splitlines()
    assert checked.startswith("checked 4 clusters, ")
    assert "objects" in checked
    assert verdict == "nothing to mend"


def test_a_finding_has_place_reason_and_mend_and_exits_with_1(onair: Run, clone: Path) -> None:
    spoil(clone)
    done = onair("check")
    assert done.returncode == 1
    assert f"{PLACE}: " in done.stdout
    assert "(policy/memory-limit)" in done.stdout
    assert "mend: " in done.stdout
    assert "onair explain RULE" in done.stdout.splitlines()[-1]
    told = onair("explain", "policy/memory-limit")
    assert told.returncode == 0
    assert "bad" in told.stdout
    assert "good" in told.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "--base", "nowhere"), "git knows no commit 'nowhere'"),
        (("check", "--at", "nowhere"), "nowhere"),
        (("check", "--format", "pdf"), "invalid choice: 'pdf'"),
        (("check", "--no-such-option"), "unrecognized arguments"),
        (("check", "surplus"), "unrecognized arguments"),
        (("explain", "policy/memory"), "policy/memory-limit"),
        (("diff", "nowhere"), "git knows no commit 'nowhere'"),
    ],
)
def test_what_could_not_run_exits_with_2_and_says_why(words: tuple[str, ...], said: str, onair: Run) -> None:
    done = onair(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_clone_without_the_followed_branch_says_how_to_name_it(onair: Run, clone: Path) -> None:
    git(clone, "branch", "--move", "mine")
    done = onair("check", "--changed")
    assert done.returncode == 2
    assert "onair check --base REF" in done.stderr


def _github(text: str) -> None:
    assert f"::error file={BASE},line={LINE}" in text


def _sarif(text: str) -> None:
    (run,) = json.loads(text)["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "policy/memory-limit"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == BASE
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == LINE
    assert "policy/memory-limit" in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def _junit(text: str) -> None:
    suites = ET.fromstring(text)  # noqa: S314 - our own
    (failed,) = (case for case in suites.iter("testcase") if case.find("failure") is not None)
    assert (failed.get("classname"), failed.get("name")) == ("policy/memory-limit", PLACE)


def _json(text: str) -> None:
    (finding,) = json.loads(text)["findings"]
    assert (finding["rule"], finding["file"], finding["line"]) == ("policy/memory-limit", BASE, LINE)


def _markdown(text: str) -> None:
    assert PLACE in text
    assert "policy/memory-limit" in text
    assert "-     224Mi" in text


@pytest.mark.parametrize(
    ("form", "read"),
    [("github", _github), ("sarif", _sarif), ("junit", _junit), ("json", _json), ("markdown", _markdown)],
)
def test_every_format_is_written_whole_to_a_file(
    form: str, read: Callable[[str], None], onair: Run, clone: Path, tmp_path: Path
) -> None:
    spoil(clone)
    done = onair("check", "--changed", "--format", form, "--output", str(tmp_path / "report"))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    read((tmp_path / "report").read_text())


def test_a_change_is_judged_and_shown_by_itself(onair: Run, clone: Path) -> None:
    text = (clone / BASE).read_text()
    (clone / BASE).write_text(text.replace(LIMIT[0], "limits: {memory: 225Mi}"))
    assert onair("check", "--changed").returncode == 0
    shown = onair("diff")
    assert shown.returncode == 0
    assert "224Mi" in shown.stdout
    assert "225Mi" in shown.stdout
    shutil.rmtree(clone / "clusters/local-us/apps/web")
    done = onair("check", "--changed")
    assert done.returncode == 1
    assert "change/vanishes" in done.stdout
    assert "onair retire web" in done.stdout


def test_a_commit_is_checked_beside_the_working_tree(onair: Run, clone: Path) -> None:
    spoil(clone)
    assert onair("check", "--at", "HEAD").returncode == 0
    seeds.commit(clone, "Spoilt")
    assert onair("check", "--at", "HEAD").returncode == 1
    assert onair("check", "--at", "HEAD~1").returncode == 0


@pytest.fixture
def server(whole: Path, cache: Path, tmp_path: Path) -> Path:
    """A bare repository behind the gate, as the regions' git server has it."""
    bare = tmp_path / "server.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(whole), str(bare))
    git(bare, "config", "receive.advertisePushOptions", "true")
    settings = gate.environment(whole, cache)
    hook = bare / "hooks/pre-receive"
    hook.write_text(
        f"#!/bin/sh\nexport PYTHONPATH={settings['PYTHONPATH']} ONAIR_CACHE={settings['ONAIR_CACHE']}\n"
        f"exec {sys.executable} -m onair.cli.pre_receive local-kr,local-us {tmp_path}/skipped.log\n"
    )
    hook.chmod(0o755)
    return bare


def push(clone: Path, server: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "push", *words, str(server), "HEAD:main"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False, env=dict(os.environ))


def test_the_server_refuses_what_the_gate_refuses(clone: Path, server: Path, tmp_path: Path) -> None:
    before = git(server, "rev-parse", "main")
    spoil(clone)
    seeds.commit(clone, "Without a limit")
    refused = push(clone, server)
    assert refused.returncode
    assert f"remote: error {BASE}:" in refused.stderr
    assert "(policy/memory-limit)" in refused.stderr
    assert "mend: " in refused.stderr
    assert git(server, "rev-parse", "main") == before
    assert not (tmp_path / "skipped.log").exists()
    skipped = push(clone, server, "--push-option", "skip-gate")
    assert skipped.returncode == 0, skipped.stderr
    assert git(clone, "rev-parse", "HEAD").strip() in (tmp_path / "skipped.log").read_text()


def test_the_server_lets_in_what_is_clean_and_leaves_other_branches_alone(clone: Path, server: Path) -> None:
    spoil(clone)
    seeds.commit(clone, "Without a limit")
    other = subprocess.run(
        ["git", "push", str(server), "HEAD:refs/heads/draft"], cwd=clone, capture_output=True, text=True, check=False
    )
    assert other.returncode == 0, other.stderr
    git(clone, "reset", "--quiet", "--hard", "HEAD~1")
    (clone / "README.md").write_text("On Air\n")
    seeds.commit(clone, "Shorter")
    done = push(clone, server)
    assert done.returncode == 0, done.stderr
    assert "the gate lets in" in done.stderr
