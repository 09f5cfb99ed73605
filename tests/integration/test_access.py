"""A real API server decides as the table says, writes down what people try, and keeps no Secret in the clear."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from kube_server import ApiServer, api_server

from onair.adapters.access import manifests
from onair.adapters.access.records import of_api_server
from onair.core import audit_policy
from onair.core.access.matrix import SPACES, rows
from onair.core.access.people import GROUPS
from onair.core.access.rbac import Asked, Subject, allowed
from onair.core.access.records import Record, chosen

pytestmark = pytest.mark.integration
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
RBAC, SHOP = "rbac.authorization.k8s.io", "/api/v1/namespaces/shop"
VALUE = "a-value-to-look-for-on-the-disk"


class World(NamedTuple):
    """The server with the people's rights, as an administrator, and what it writes."""

    server: ApiServer
    folder: Path

    def person(self, group: str) -> ApiServer:
        """Return a client that is in that group alone."""
        return ApiServer(self.server.url, self.server.certificate, f"token-{group}")

    def recorded(self, who: str, word: str) -> Record:
        """Wait for what is written of a person."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            records = list(chosen(of_api_server(self.folder / "audit.log", "local-kr"), who))
            if found := [each for each in records if word in each.what]:
                return found[-1]
            time.sleep(0.2)
        raise AssertionError(f"no record of {who} and {word}")


@pytest.fixture(scope="module")
def world(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server with the flags of the regions', and the manifests of every cluster."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "policy.json").write_text(json.dumps(audit_policy.policy(GROUPS)))
    flags = [f"--audit-policy-file={folder}/policy.json", f"--audit-log-path={folder}/audit.log"]
    flags.append(f"--encryption-provider-config={folder}/encryption.json")
    tokens = [f'token-{group},a-{group},{number},"{group}"' for number, group in enumerate((*GROUPS, "guests"), 10)]
    with api_server(root, folder, flags, tokens) as server:
        have = {each["metadata"]["name"] for each in server.get("/api/v1/namespaces")["items"]}
        spaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in SPACES if name not in have
        ]
        files = sorted((root / manifests.BASE).glob("*.yaml"))
        objects = [each for file in files for each in yaml.safe_load_all(file.read_text()) if each]
        server.create_all([*spaces, *(each for each in objects if each["kind"] != "Kustomization")])
        yield World(server, folder)


def live(server: ApiServer, group: str, asked: Asked) -> bool:
    plural, _, sub = asked.resource.partition("/")
    attributes = {"verb": asked.verb, "group": asked.group, "resource": plural, "namespace": asked.namespace}
    attributes |= {"subresource": sub} if sub else {}
    spec = {"user": f"a-{group}", "groups": [group], "resourceAttributes": attributes}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    return bool(server.ask("POST", REVIEWS, body).raise_for_status().json()["status"]["allowed"])


def test_every_line_of_the_table_is_decided_so(world: World, root: Path) -> None:
    held = manifests.of_people(root)
    asked = [(group, each) for group in GROUPS for row in rows() for each in row.asked]
    wrong = [
        f"{group} {each}"
        for group, each in asked
        if live(world.server, group, each) is not any(allowed(held, Subject("Group", group), each))
    ]
    assert len(asked) > 500
    assert not wrong, f"{len(wrong)} of {len(asked)} are not as written: {wrong[:10]}"


def test_a_developer_is_refused_secrets_exec_and_rights_on_record(world: World) -> None:
    developer = world.person("developer")
    assert developer.ask("GET", f"{SHOP}/pods").status_code == 200
    assert developer.ask("GET", f"{SHOP}/secrets").status_code == 403
    assert developer.ask("POST", f"{SHOP}/pods/web-1/exec?command=id&stdout=true").status_code == 403
    role = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": {"name": "mine"}}
    role |= {"roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "people-administer"}}
    assert developer.ask("POST", f"/apis/{RBAC}/v1/namespaces/shop/rolebindings", role).status_code == 403
    for word in ("list secrets", "create pods/exec", "create rolebindings"):
        found = world.recorded("a-developer", word)
        assert (found.result, found.origin, found.place) == ("denied", "127.0.0.1", "local-kr")
    assert world.recorded("a-developer", "list pods").result == "allowed"


def test_nobody_grants_more_than_they_have(world: World) -> None:
    wide = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "all"}}
    wide |= {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    admin = world.person("platform-admin")
    assert admin.ask("POST", f"/apis/{RBAC}/v1/clusterroles", wide).status_code == 403
    assert "create clusterroles" in world.recorded("a-platform-admin", "create clusterroles").what


def test_nobody_of_an_unknown_group_sees_anything(world: World) -> None:
    assert world.person("guests").ask("GET", f"{SHOP}/pods").status_code == 403


def test_secrets_lie_encrypted_and_are_in_no_record(world: World) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "at-rest"}, "stringData": {"a": VALUE}}
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}, "data": {"a": f"plain-{VALUE}"}}
    admin = world.person("platform-admin")
    assert admin.ask("POST", f"{SHOP}/secrets", body).status_code == 201
    assert admin.ask("POST", f"{SHOP}/configmaps", plain).status_code == 201
    assert admin.ask("GET", f"{SHOP}/secrets/at-rest").json()["data"]
    stored = b"".join(file.read_bytes() for file in (world.folder / "etcd").rglob("*") if file.is_file())
    assert f"plain-{VALUE}".encode() in stored, "the test does not see what etcd stores"
    assert stored.count(VALUE.encode()) == stored.count(f"plain-{VALUE}".encode()), "a Secret lies in etcd as it is"
    assert b"k8s:enc:secretbox:v1:first:" in stored
    assert world.recorded("a-platform-admin", "get secrets/at-rest").result == "allowed"
    assert VALUE not in (world.folder / "audit.log").read_text()
