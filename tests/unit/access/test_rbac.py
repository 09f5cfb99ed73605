"""Rights worked out of manifests: as the API server's authorizer decides, and as the people's document says."""

from pathlib import Path
from typing import Any

import pytest
from access_world import TODAY
from support import findings_of

from onair.adapters import people_file
from onair.adapters.access import manifests
from onair.core.access.matrix import ARGO, DOCUMENT, markdown, rows
from onair.core.access.rbac import Asked, Subject, allowed, api_group, grants, who_can

ROOT = Path(__file__).resolve().parents[3]
PEOPLE = manifests.of_people(ROOT)
API = "rbac.authorization.k8s.io"
SAM, POD = Subject("User", "sam"), Asked("get", "pods", "", "shop")


def role(kind: str, name: str, rules: list[dict[str, Any]], space: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": space} if space else {}), **more.pop("metadata", {})}
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata, "rules": rules, **more}


def binding(kind: str, target: str, subject: Subject, space: str = "") -> dict[str, Any]:
    of, _, name = target.partition("/")
    metadata = {"name": "b", **({"namespace": space} if space else {})}
    named = {
        "kind": subject.kind,
        "name": subject.name,
        **({"namespace": subject.namespace} if subject.namespace else {}),
    }
    reference = {"apiGroup": API, "kind": of, "name": name}
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata, "roleRef": reference, "subjects": [named]}


def may(objects: list[dict[str, Any]], who: Subject, asked: Asked) -> bool:
    return any(allowed(grants(objects), who, asked))


READ = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (POD, True),
        (POD._replace(namespace="data"), False),
        (POD._replace(namespace=""), False),
        (POD._replace(verb="delete"), False),
        (POD._replace(resource="pods/log"), False),
        (POD._replace(group="metrics.k8s.io"), False),
    ],
)
def test_a_rolebinding_holds_in_its_namespace_for_what_the_rule_names(asked: Asked, expected: bool) -> None:
    for held in (role("Role", "r", READ, "shop"), role("ClusterRole", "r", READ)):
        objects = [held, binding("RoleBinding", f"{held['kind']}/r", SAM, "shop")]
        assert may(objects, SAM, asked) is expected


def test_a_clusterrolebinding_holds_everywhere() -> None:
    objects = [role("ClusterRole", "r", READ), binding("ClusterRoleBinding", "ClusterRole/r", SAM)]
    assert all(may(objects, SAM, POD._replace(namespace=space)) for space in ("", "shop", "data"))
    assert not may(objects, Subject("Group", "sam"), POD), "a group is not the user of its name"


def test_a_role_of_another_namespace_grants_nothing() -> None:
    objects = [role("Role", "r", READ, "data"), binding("RoleBinding", "Role/r", SAM, "shop")]
    assert not may(objects, SAM, POD)


@pytest.mark.parametrize(
    ("rule", "asked", "expected"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, Asked("escalate", "clusterroles", API), True),
        ({"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"]}, POD._replace(resource="pods/log"), True),
        ({"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"]}, POD, False),
        ({**READ[0], "resourceNames": ["web"]}, POD._replace(name="web"), True),
        ({**READ[0], "resourceNames": ["web"]}, POD._replace(name="chat"), False),
        ({**READ[0], "resourceNames": ["web"]}, POD, False),
        ({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}, POD, False),
    ],
)
def test_wildcards_names_and_addresses(rule: dict[str, Any], asked: Asked, expected: bool) -> None:
    objects = [role("ClusterRole", "r", [rule]), binding("ClusterRoleBinding", "ClusterRole/r", SAM)]
    assert may(objects, SAM, asked) is expected


def test_an_aggregated_role_has_the_rules_of_those_that_its_labels_choose() -> None:
    part = role("ClusterRole", "part", READ, metadata={"labels": {"to": "whole"}})
    selectors = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]}}
    whole = role("ClusterRole", "whole", [], **selectors)
    bound = binding("ClusterRoleBinding", "ClusterRole/whole", SAM)
    assert may([part, whole, bound], SAM, POD)
    assert not may([role("ClusterRole", "part", READ), whole, bound], SAM, POD)


@pytest.mark.parametrize("named", ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"])
def test_a_service_account_is_in_its_groups(named: str) -> None:
    web = Subject("ServiceAccount", "web", "shop")
    objects = [role("ClusterRole", "r", READ), binding("ClusterRoleBinding", "ClusterRole/r", Subject("Group", named))]
    assert may(objects, web, POD)
    assert not may(objects, web._replace(namespace="data"), POD) or named != "system:serviceaccounts:shop"


def test_who_can_names_the_binding() -> None:
    found = who_can(PEOPLE, Asked("list", "secrets", "", "shop"))
    assert [str(each) for each in found] == ["Group platform-admin"]
    assert next(iter(found.values())).binding == "ClusterRoleBinding people-administer"


def test_a_resource_is_found_by_its_plural() -> None:
    assert api_group(PEOPLE, "pods/exec") == ("pods/exec", "")
    assert api_group(PEOPLE, "rollouts") == ("rollouts", ARGO)
    assert api_group(PEOPLE, "widgets.example.com") == ("widgets", "example.com")
    (finding,) = findings_of(lambda: api_group(PEOPLE, "pod"))
    assert "did you mean pods?" in finding.mend


@pytest.mark.parametrize("group", ["operator", "developer", "auditor"])
def test_only_platform_admins_read_secrets_or_change_rights(group: str) -> None:
    who = Subject("Group", group)
    for verb in ("get", "list", "watch"):
        assert not any(allowed(PEOPLE, who, Asked(verb, "secrets", "", "shop")))
    for verb in ("create", "update", "patch", "delete"):
        assert not any(allowed(PEOPLE, who, Asked(verb, "rolebindings", API, "shop")))


def test_a_developer_changes_nothing_at_all() -> None:
    changing = {"create", "update", "patch", "delete", "deletecollection"}
    held = [each for each in PEOPLE if each.subject.name in {"developer", "auditor"}]
    assert held
    assert not [each for each in held if changing & set(each.rule["verbs"])]


def test_nobody_may_escalate_impersonate_or_draw_tokens() -> None:
    last = {row.what: row for row in rows()}
    for what in (
        "grant more than one has (escalate, bind)",
        "act as somebody else (impersonate)",
        "draw a ServiceAccount's token",
    ):
        for asked in last[what].asked:
            assert not who_can(PEOPLE, asked), asked


def test_every_group_of_the_bindings_is_in_the_peoples_file() -> None:
    people, _ = people_file.read(ROOT, TODAY)
    assert {each.subject.name for each in PEOPLE} == set(people.groups)
    assert {each.subject.kind for each in PEOPLE} == {"Group"}


def test_the_document_is_fresh() -> None:
    people, _ = people_file.read(ROOT, TODAY)
    assert (ROOT / DOCUMENT).read_text() == markdown(PEOPLE, people.groups), "onair access matrix --write"


def test_an_access_review_asks_with_the_subresource_apart() -> None:
    asked = {"verb": "create", "group": "", "resource": "pods", "namespace": "shop", "subresource": "exec"}
    assert Asked("create", "pods/exec", namespace="shop").attributes == asked
    assert "subresource" not in POD.attributes
