"""The workflows: linted by the two tools made for it, and the house's own rules."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_config

from onair.adapters import toolchain
from onair.core.paths import Paths
from onair.core.progress import Silent

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yaml"))
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
USES = re.compile(r"^\s*(?:- )?uses: (.+)$", re.MULTILINE)


def content(path: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text())
    return loaded


def triggers(path: Path) -> set[str]:
    found = content(path)[True]  # YAML 1.1 reads the key `on` as true
    return {found} if isinstance(found, str) else set(found)


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = content(path)["jobs"]
    return found


@pytest.mark.integration
def test_actionlint_finds_nothing() -> None:
    tool = toolchain.ensure(ROOT, Paths.of().cache, Silent(), only=["actionlint"]).path("actionlint")
    done = subprocess.run([tool, "-no-color", *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.integration
def test_actionlint_would_find_something(tmp_path: Path) -> None:
    tool = toolchain.ensure(ROOT, Paths.of().cache, Silent(), only=["actionlint"]).path("actionlint")
    spoilt = tmp_path / "check.yaml"
    spoilt.write_text(WORKFLOWS[0].read_text().replace("timeout-minutes", "timeout-minute"))
    assert subprocess.run([tool, spoilt], capture_output=True, check=False).returncode == 1


def zizmor(*targets: Path) -> subprocess.CompletedProcess[str]:
    settings = ["--offline", "--no-progress", "--persona", "pedantic", "--strict-collection"]
    settings += ["--format", "plain", "--config", str(ROOT / ".github/zizmor.yml")]
    command = [str(Path(sys.executable).with_name("zizmor")), *settings, *map(str, targets)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing() -> None:
    done = zizmor(ROOT / ".github")
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    spoilt = tmp_path / "check.yaml"
    spoilt.write_text(
        (ROOT / ".github/workflows/check.yaml").read_text().replace("  pull_request:", "  pull_request_target:")
    )
    done = zizmor(spoilt)
    assert done.returncode != 0
    assert "dangerous-triggers" in done.stdout


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.parent.name + "/" + path.stem)
def test_actions_are_pinned_by_commit_with_their_version_beside(path: Path) -> None:
    for used in USES.findall(path.read_text()):
        assert used == "./.github/actions/setup" or PINNED.fullmatch(used), used


def test_an_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for path in (*WORKFLOWS, *ACTIONS):
        for used in USES.findall(path.read_text()):
            name, _, pin = used.partition("@")
            pins.setdefault(name, set()).add(pin)
    assert {name for name, found in pins.items() if len(found) > 1} == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_rights_are_given_job_by_job(path: Path) -> None:
    assert content(path)["permissions"] == {}, "a job that needs a right names it"
    assert "pull_request_target" not in triggers(path), "runs a stranger's change with our secrets"
    assert content(path)["concurrency"]["group"]
    assert "secrets." not in path.read_text(), "roles by OIDC: there is no secret to leak"
    for name, job in jobs(path).items():
        assert "permissions" in job, f"{name} says what it may do"
        assert job["timeout-minutes"] <= 90, name
        if "id-token" in job["permissions"]:
            assert job["environment"], f"{name}: the role's trust is pinned to an environment"


def test_only_the_reviewed_saved_plan_is_applied() -> None:
    apply = jobs(ROOT / ".github/workflows/terraform.yaml")["apply"]
    assert apply["environment"] == "prod"
    assert set(apply["needs"]) == {"roots", "plan"}
    assert "push" in apply["if"]
    assert "refs/heads/main" in apply["if"]
    script = apply["steps"][-1]["run"]
    assert script.index("sha256sum --check") < script.index("terraform apply")
    assert re.search(r"terraform apply .*saved\.tfplan", script), "never a new plan"
    applying = [path.stem for path in WORKFLOWS if "terraform apply" in path.read_text()]
    assert applying == ["terraform"]


def test_what_writes_to_the_pull_request_runs_none_of_its_code() -> None:
    publish = jobs(ROOT / ".github/workflows/check.yaml")["publish"]
    assert not [step for step in publish["steps"] if "checkout" in step.get("uses", "")]
    assert "head.repo.full_name == github.repository" in publish["if"]
    writing = [
        name
        for name, job in jobs(ROOT / ".github/workflows/check.yaml").items()
        if "write" in (job["permissions"] or {}).values()
    ]
    assert writing == ["publish"]


def test_images_are_built_for_both_architectures_and_proposed_for_one_region() -> None:
    path = ROOT / ".github/workflows/images.yaml"
    machines = jobs(path)["build"]["strategy"]["matrix"]["machine"]
    assert {machine["arch"] for machine in machines} == {"amd64", "arm64"}
    assert "clusters/prod-us" not in path.read_text(), "prod-us takes what prod-kr has run"


def test_hooks_run_what_is_installed_here() -> None:
    (repository,) = load_config(str(ROOT / ".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    entries = {hook["id"]: hook["entry"].split()[0] for hook in repository["hooks"]}
    assert set(entries) == {"ruff", "ruff-format", "onair-check", "zizmor"}
    for entry in entries.values():
        assert (ROOT / entry).is_file(), entry
