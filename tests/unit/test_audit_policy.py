"""What the API servers write down, and that they do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from onair.adapters.facts_file import read
from onair.adapters.local import pki
from onair.core import control_plane
from onair.core.access.people import GROUPS
from onair.core.audit_policy import PARTS, policy
from onair.core.paths import Paths
from onair.core.pki import certificates

FACTS = read(Path(__file__).resolve().parents[2])
PATHS = Paths(Path("/cache"), Path("/state"), Path("/run/x"))
RULES: list[dict[str, Any]] = policy(GROUPS)["rules"]


def level(verb: str, resource: str, group: str = "", *, user: str = "", groups: tuple[str, ...] = ()) -> str:
    """Return the level that the first fitting rule gives a request for a resource, as the API server finds it."""
    for rule in RULES:
        wanted = rule.get("resources")
        fits = not rule.get("nonResourceURLs")
        fits &= "users" not in rule or user in rule["users"]
        fits &= "userGroups" not in rule or bool(set(groups) & set(rule["userGroups"]))
        fits &= "verbs" not in rule or verb in rule["verbs"]
        fits &= wanted is None or any(
            each["group"] == group and resource in each.get("resources", [resource]) for each in wanted
        )
        if fits:
            return str(rule["level"])
    raise AssertionError("the last rule takes everything")


@pytest.mark.parametrize("group", GROUPS)
def test_all_that_people_do_is_written_and_never_a_secrets_value(group: str) -> None:
    assert level("get", "pods", groups=(group,)) == "Metadata"
    assert level("create", "pods/exec", groups=(group,)) == "Request"
    for verb in ("get", "list", "update", "create"):
        assert level(verb, "secrets", groups=(group,)) == "Metadata"


def test_reading_a_secret_and_changing_a_right_is_written_of_the_administrator_too() -> None:
    assert level("get", "secrets", user="onair-admin", groups=("system:masters",)) == "Metadata"
    assert level("create", "rolebindings", "rbac.authorization.k8s.io", groups=("system:masters",)) == "Request"
    assert level("delete", "pods", groups=("system:masters",)) == "Metadata"


def test_what_the_cluster_does_all_day_is_not() -> None:
    for user in PARTS:
        assert level("list", "pods", user=user) == "None"
        assert level("update", "leases", "coordination.k8s.io", user=user) == "None"
    accounts = ("system:serviceaccounts", "system:authenticated")
    assert level("watch", "secrets", groups=accounts) == "None"
    assert level("patch", "deployments", "apps", groups=accounts) == "Metadata"


def test_no_rule_writes_what_a_secret_says() -> None:
    for rule in RULES:
        named = {name for each in rule.get("resources", []) for name in each.get("resources", [])}
        if rule["level"] in {"Request", "RequestResponse"}:
            earlier = RULES[: RULES.index(rule)]
            whom = rule.get("userGroups")
            assert not named & {"secrets", "serviceaccounts/token"}
            assert whom is None or any(
                each.get("userGroups") == whom and each["level"] == "Metadata" for each in earlier
            )


@pytest.mark.parametrize("cluster", FACTS.local(), ids=lambda cluster: cluster.name)
def test_the_api_server_writes_and_encrypts(cluster: Any) -> None:  # noqa: ANN401
    services = {each.name: each for each in control_plane.services(cluster, PATHS, lambda name: Path("/bin") / name)}
    flags = set(services["kube-apiserver"].argv)
    assert f"--audit-log-path=/state/{cluster.name}/audit/audit.log" in flags
    assert f"--encryption-provider-config={PATHS.pki(cluster.name)}/encryption.json" in flags
    written = control_plane.files(cluster, PATHS, "10.60.0.194")
    file = next(each for each in flags if each.startswith("--audit-policy-file=")).partition("=")[2]
    assert yaml.safe_load(written[Path(file)]) == policy(GROUPS)
    assert services["kube-apiserver"].configuration == (written[Path(file)],), "a new policy restarts the API server"


def test_the_key_of_secrets_is_drawn_once_for_each_region(tmp_path: Path) -> None:
    found = []
    for cluster in FACTS.local():
        folder = tmp_path / cluster.name / "pki"
        pki.ensure_region(folder, certificates(cluster, ()))
        file = folder / "encryption.json"
        first = file.read_text()
        pki.ensure_region(folder, certificates(cluster, ()))
        assert file.read_text() == first, "Secrets that lie in etcd could not be read any more"
        assert file.stat().st_mode & 0o777 == 0o600
        (entry,) = yaml.safe_load(first)["resources"]
        assert entry["resources"] == ["secrets"]
        assert list(entry["providers"][0]) == ["secretbox"], "the first provider writes"
        found.append(first)
    assert len(set(found)) == len(found)
