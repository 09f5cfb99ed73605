"""What Argo CD lets each group do is what the group may do by kubectl: asked of Argo CD's own program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from onair.adapters import toolchain
from onair.adapters.access import manifests
from onair.core.access.people import GROUPS
from onair.core.access.rbac import Asked, Subject, allowed
from onair.core.paths import Paths
from onair.core.progress import Silent

pytestmark = pytest.mark.integration
CONFIG = Path("infrastructure/argocd/base/config.yaml")
KIND = "argoproj.io"
SAME = {
    ("get", "applications"): Asked("get", "applications", KIND, "argocd"),
    ("sync", "applications"): Asked("patch", "applications", KIND, "argocd"),
    ("delete", "applications"): Asked("delete", "applications", KIND, "argocd"),
    ("get", "applicationsets"): Asked("get", "applicationsets", KIND, "argocd"),
    ("delete", "applicationsets"): Asked("delete", "applicationsets", KIND, "argocd"),
    ("get", "projects"): Asked("get", "appprojects", KIND, "argocd"),
    ("update", "projects"): Asked("update", "appprojects", KIND, "argocd"),
    ("get", "logs"): Asked("get", "pods/log", "", "data"),
    ("create", "exec"): None,
    ("update", "clusters"): None,
    ("create", "repositories"): None,
    ("update", "accounts"): None,
}
"""By Argo CD's verb and resource what of Kubernetes it stands for; None is nobody's there."""


@pytest.fixture(scope="module")
def policy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = yaml.safe_load_all((root / CONFIG).read_text())
    found = next(each for each in documents if each["metadata"]["name"] == "argocd-rbac-cm")
    file = tmp_path_factory.mktemp("rbac") / "argocd-rbac-cm.yaml"
    file.write_text(yaml.safe_dump(found))
    nowhere = {"apiVersion": "v1", "kind": "Config", "current-context": "none"}
    nowhere["clusters"] = [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}]
    nowhere["contexts"] = [{"name": "none", "context": {"cluster": "none", "user": "none"}}]
    file.with_name("kubeconfig").write_text(
        yaml.safe_dump(nowhere | {"users": [{"name": "none", "user": {"token": "none"}}]})
    )
    return file


def may(program: Path, policy: Path, group: str, verb: str, resource: str) -> bool:
    """Ask Argo CD whether a group may, without a cluster."""
    wanted = "infrastructure" if resource == "projects" else "infrastructure/web"
    command = [program, "admin", "settings", "rbac", "can", group, verb, resource, wanted]
    command += ["--policy-file", policy]
    # It wants to know of a cluster, and asks none.
    environment = {"KUBECONFIG": str(policy.with_name("kubeconfig")), "HOME": str(policy.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    answer = done.stdout.strip()
    assert answer in {"Yes", "No"}, done.stdout + done.stderr
    return answer == "Yes"


@pytest.mark.parametrize("group", [*GROUPS, "guests"])
def test_argo_cd_and_kubernetes_agree(root: Path, policy: Path, group: str) -> None:
    program = toolchain.ensure(root, Paths.of().cache, Silent(), only=["argocd"]).path("argocd")
    held = manifests.of_people(root)
    for (verb, resource), asked in SAME.items():
        expected = asked is not None and any(allowed(held, Subject("Group", group), asked))
        found = may(program, policy, group, verb, resource)
        assert found is expected, f"{group}: {verb} {resource} by Argo CD {found}, by kubectl {expected}"


def test_nobody_is_let_in_by_default(root: Path) -> None:
    documents = list(yaml.safe_load_all((root / CONFIG).read_text()))
    data = {each["metadata"]["name"]: each["data"] for each in documents}
    assert data["argocd-rbac-cm"]["policy.default"] == ""
    assert data["argocd-cm"]["admin.enabled"] == "false"
