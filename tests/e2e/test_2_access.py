"""What people may do in a running region is what the document says, and what they try is on record."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import tempfile
import time
from pathlib import Path

import httpx
import pytest
from e2e.shop import Shop

from onair.adapters.access import manifests
from onair.adapters.access.credential import exec_credential
from onair.adapters.access.records import of_api_server, platform_store
from onair.core.access.matrix import rows
from onair.core.access.people import GROUPS
from onair.core.access.rbac import Asked, Subject, allowed
from onair.core.access.records import Record, chosen
from onair.core.control_plane import audit_log

CLUSTERS = ("local-kr", "local-us")
each_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def person(shop: Shop, cluster: str, name: str, group: str) -> httpx.Client:
    """Return a client with an hour's credential of that person."""
    found = exec_credential(shop.local.paths.pki(cluster), name, [group], dt.datetime.now(dt.UTC))["status"]
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        pair.write_text(found["clientKeyData"] + found["clientCertificateData"])
        context = ssl.create_default_context(cafile=str(shop.local.paths.pki(cluster) / "ca.crt"))
        context.load_cert_chain(pair)
    return httpx.Client(base_url=shop.api(cluster).base_url, verify=context, timeout=10)


def live(shop: Shop, cluster: str, group: str, asked: Asked) -> bool:
    spec = {"user": f"a-{group}", "groups": [group], "resourceAttributes": asked.attributes}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    return bool(shop.api(cluster).post(REVIEWS, json=body).raise_for_status().json()["status"]["allowed"])


def recorded(shop: Shop, cluster: str, who: str, word: str) -> Record:
    """Wait for what the API server writes of a person."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = [
            each
            for each in chosen(of_api_server(audit_log(cluster, shop.local.paths), cluster), who)
            if word in each.what
        ]
        if found:
            return found[-1]
        time.sleep(0.2)
    raise AssertionError(f"no record of {who} and {word}")


@each_cluster
def test_every_line_of_the_document_is_so_in_the_region(shop: Shop, cluster: str) -> None:
    held = manifests.of_people(shop.path)
    asked = [(group, each) for group in GROUPS for row in rows() for each in row.asked]
    wrong = [
        f"{group} {each}"
        for group, each in asked
        if live(shop, cluster, group, each) is not any(allowed(held, Subject("Group", group), each))
    ]
    assert not wrong, f"{len(wrong)} of {len(asked)} are not as written: {wrong[:10]}"
    shop.say(f"{cluster}: {len(asked)} rights asked, all as the document says")


@each_cluster
def test_a_developer_sees_pods_and_is_refused_the_rest_on_record(shop: Shop, cluster: str) -> None:
    name = f"dev-{int(time.time())}"
    pod = shop.pods(cluster, "web")[0]["metadata"]["name"]
    space = "/api/v1/namespaces/shop"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "e2e-mine"}}
    role |= {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "people-administer"}}
    with person(shop, cluster, name, "developer") as client:
        assert client.get(f"{space}/pods").status_code == 200
        assert client.get(f"{space}/secrets").status_code == 403
        assert client.post(f"{space}/pods/{pod}/exec?command=id&stdout=true").status_code == 403
        mine = client.post("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", json=role)
        assert mine.status_code == 403
    for word in ("secrets", "exec", "rolebindings"):
        found = recorded(shop, cluster, name, word)
        assert (found.result, found.place) == ("denied", cluster)
        assert found.origin
    assert recorded(shop, cluster, name, "list pods").result == "allowed"


@each_cluster
def test_nobody_of_an_unknown_group_may_anything(shop: Shop, cluster: str) -> None:
    with person(shop, cluster, "stranger", "guests") as client:
        assert client.get("/api/v1/namespaces/shop/pods").status_code == 403


@each_cluster
def test_argo_cd_has_no_administrator_to_log_in_as(shop: Shop, cluster: str) -> None:
    space, api = "/api/v1/namespaces/argocd", shop.api(cluster)
    assert api.get(f"{space}/secrets/argocd-initial-admin-secret").status_code == 404
    server = f"{space}/services/http:argocd-server:80/proxy/api/v1"
    assert api.get(f"{server}/settings").status_code == 200, "it answers"
    asked = api.post(f"{server}/session", json={"username": "admin", "password": "admin"})
    assert asked.status_code in (401, 403), asked.text
    assert api.get(f"{server}/applications").status_code in (401, 403), "strangers see nothing"


@each_cluster
def test_secrets_lie_encrypted_in_etcd(shop: Shop, cluster: str) -> None:
    path, value = "/api/v1/namespaces/shop/secrets", "a-value-to-look-for-on-the-disk"
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e2e-at-rest"}, "stringData": {"a": value}}
    api = shop.api(cluster)
    assert api.post(path, json=body).status_code == 201
    try:
        assert "a-value" not in json.dumps(api.get(f"{path}/e2e-at-rest").json()), "shown in base64 only"
        state = shop.local.paths.region(cluster) / "etcd"
        files = [file for file in state.rglob("*") if file.is_file()]
        assert files
        assert not [file for file in files if value.encode() in file.read_bytes()], "etcd has it as it is"
        assert any(b"k8s:enc:secretbox:v1:first:" in file.read_bytes() for file in files)
    finally:
        api.delete(f"{path}/e2e-at-rest")


@each_cluster
def test_a_forged_callback_of_the_payment_provider_is_kept_by_service_and_edge(shop: Shop, cluster: str) -> None:
    path, began = "/api/order/payments/callback", dt.datetime.now(dt.UTC)
    answer = httpx.post(f"{shop.address(cluster)}{path}?card=4000", content=b"{}", verify=shop.trust, timeout=30)
    assert answer.status_code == 401

    def told(source: str, words: str) -> Record | None:
        found = chosen(platform_store().records(began), "", began, source)
        return next((each for each in found if words in each.what), None)

    shop.wait("the refusal is kept", 60, lambda: told("shop", "forged") is not None and told("edge", path) is not None)
    by_service, by_edge = told("shop", "forged"), told("edge", path)
    assert by_service
    assert by_edge
    assert (by_service.who, by_service.result, by_service.place) == ("provider", "denied", cluster)
    assert by_service.origin.endswith("/24"), "a network, not an address"
    assert (by_edge.result, by_edge.origin) == ("denied", "127.0.0.0/24")
    assert "card" not in by_edge.what, "what stands behind the path's ? is nobody's business"
    assert platform_store().verify() > 0
