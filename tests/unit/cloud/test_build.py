"""Bad input of `onair cloud`: one clear message, nothing changed. Terraform is a stand-in that notes its words."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from support import Recorder, findings_of

from onair.adapters import facts_file
from onair.adapters.cloud import build, listing, place, terraform
from onair.adapters.cloud import facts_file as cloud_file
from onair.core.cloud.roots import BOOTSTRAP, Root, waves
from onair.core.finding import Finding, OnairError

ROOT = Path(__file__).resolve().parents[3]
FACTS = facts_file.read(ROOT)
SPEC = cloud_file.read(ROOT, FACTS)
ACCOUNT_ROOT = Root("account")
REGION = FACTS.clusters[SPEC.home].spec.cloud_region
TERRAFORM = """#!/bin/sh
if [ "$1" = version ]; then echo '{"terraform_version": "VERSION"}'; exit; fi
echo "$*" >> "$WORDS"
for word; do case $word in -out=*) echo plan > "${word#-out=}"; echo "$PLANNED"; exit 2;; esac; done
case "$*" in *apply*) echo "$REFUSAL" >&2; test -z "$REFUSAL";; esac
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> build.Estate:
    program = tmp_path / "bin/terraform"
    program.parent.mkdir()
    program.write_text(TERRAFORM.replace("VERSION", FACTS.platform.spec.versions["terraform"]))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("WORDS", str(tmp_path / "words"))
    monkeypatch.setenv("REFUSAL", "")
    monkeypatch.setenv("PLANNED", "")
    terraform.program.cache_clear()
    clone = tmp_path / "clone"
    clone.mkdir()
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        commit(clone, *words)
    return build.Estate(clone, place.Place("123456789012", {}), FACTS, SPEC)


@pytest.fixture(autouse=True)
def forget_the_stand_in() -> Iterator[None]:
    yield
    terraform.program.cache_clear()


def commit(clone: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@onair.test"]
    subprocess.run(["git", *who, *words], cwd=clone, check=True)


def words(estate: build.Estate) -> str:
    return (estate.root.parent / "words").read_text()


def test_the_saved_plan_is_applied_and_used_up(estate: build.Estate) -> None:
    assert estate.plan(ACCOUNT_ROOT)
    estate.apply(ACCOUNT_ROOT)
    assert "account.tfplan" in words(estate).splitlines()[-1]
    (found,) = findings_of(lambda: estate.apply(ACCOUNT_ROOT))
    assert found.what == "account has no saved plan"


def test_a_plan_names_what_would_change(estate: build.Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "  # aws_vpc.main will be created",
        "  # module.a.aws_route.x[0] must be replaced",
        "  # data.aws_ami.x will be read during apply",
        "      + tag = 1 # will be",
    )
    monkeypatch.setenv("PLANNED", "\n".join(lines))
    assert estate.plan(ACCOUNT_ROOT) == ["aws_vpc.main will be created", "module.a.aws_route.x[0] must be replaced"]
    monkeypatch.setenv("PLANNED", "Changes to Outputs:")
    assert estate.plan(ACCOUNT_ROOT) == ["outputs"]


def test_a_plan_that_was_changed_is_refused(estate: build.Estate) -> None:
    estate.plan(ACCOUNT_ROOT)
    (estate.root / place.DATA / "plans/account.tfplan").write_text("another plan")
    (found,) = findings_of(lambda: estate.apply(ACCOUNT_ROOT))
    assert "not the plan that was reviewed" in found.what
    assert " apply " not in words(estate)


def test_a_plan_of_another_commit_is_refused(estate: build.Estate) -> None:
    estate.plan(ACCOUNT_ROOT)
    commit(estate.root, "commit", "-q", "--allow-empty", "-m", "two")
    (found,) = findings_of(lambda: estate.apply(ACCOUNT_ROOT))
    assert "another commit's" in found.what
    assert " apply " not in words(estate)


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("Error: Error acquiring the state lock\n\nID: 1234", "somebody else is at it"),
        ("Error: ExpiredToken: the security token is expired", "sign in again"),
        ("Error: something else", "terraform/README.md"),
    ],
)
def test_what_terraform_refuses_is_told_with_what_to_do(
    estate: build.Estate, monkeypatch: pytest.MonkeyPatch, said: str, mend: str
) -> None:
    estate.plan(ACCOUNT_ROOT)
    monkeypatch.setenv("REFUSAL", said)
    (found,) = findings_of(lambda: estate.apply(ACCOUNT_ROOT))
    assert mend in found.mend
    assert found.what.startswith("account: Error: ")


def test_another_accounts_credentials_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "emulated")
    with mock_aws():
        assert place.account("123456789012", REGION).account == "123456789012"
        (found,) = findings_of(lambda: place.account("999999999999", REGION))
    assert found.what == "the credentials are for account 123456789012, --aws names 999999999999"


def test_without_an_emulator_there_is_nothing_to_audit(tmp_path: Path) -> None:
    (found,) = findings_of(lambda: place.emulator(tmp_path, start=False))
    assert found.mend == "run: onair cloud up"


def test_roots_are_built_after_what_they_need_and_destroyed_before(
    estate: build.Estate, monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    done: list[str] = []
    there = {"bucket": ["somebody's"]}
    monkeypatch.setattr(listing, "take", lambda *_: there)
    monkeypatch.setattr(build.Estate, "plan", lambda _, each: bool(done.append(each.name)))
    build.up(estate, recorder)
    assert done[:2] == ["bootstrap", "account"]
    assert set(done[2:4]) == {"regional-prod-kr", "regional-prod-us"}
    assert set(done[4:]) == {"links", "global"}
    done.clear()
    monkeypatch.setattr(build.Estate, "destroy", lambda _, each: done.append(each.name))
    there = {"bucket": ["ours", "somebody's"]}
    (left,) = build.down(estate, recorder)
    assert left.what == "bucket: ours is left"
    assert done[-2:] == ["account", "bootstrap"]
    there = {"bucket": ["somebody's"]}
    assert build.down(estate, recorder) == []
    assert build.down(estate, recorder) == []
    assert "built from another clone" in recorder.notes[-1]


def test_every_state_has_a_name_of_its_own() -> None:
    names = [each.name for wave in waves(["prod-kr", "prod-us"]) for each in wave]
    assert len(set(names)) == len(names)
    assert names[0] == BOOTSTRAP.name


def test_what_an_interrupted_terraform_says_is_told_once_with_the_mend() -> None:
    halted = "│ Error: execution halted\n╵\n" * 30
    found = terraform.refused(
        "regional-prod-kr", "apply", terraform.Ran(1, "", f"{halted}│ Error: waiting for it: context canceled\n")
    )
    assert found.what == "regional-prod-kr: Error: execution halted Error: waiting for it: context canceled"
    assert "the same command goes on from there" in found.mend


def test_what_goes_wrong_with_one_region_hides_nothing_of_the_other() -> None:
    regions = [Root("regional", name) for name in ("prod-kr", "prod-us", "prod-eu")]

    def fails(each: Root) -> None:
        if each is not regions[2]:
            raise OnairError(Finding(rule="cloud/apply", what=each.name))

    found = findings_of(lambda: build._together(fails, regions))
    assert [each.what for each in found] == [each.name for each in regions[:2]]
