"""kubectl reaches both regions through the bastion, each group may what the document says, and what is tried is known.

The regions start for these tests alone, after the bastion's own times were judged.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from e2e.bastion.world import Bastion, Someone
from e2e.shop import Shop

from onair.adapters.access import manifests
from onair.adapters.access.records import of_api_server
from onair.adapters.bastion.machine import reach_regions
from onair.adapters.kubectl import wait
from onair.core.access.matrix import rows
from onair.core.access.people import GROUPS
from onair.core.access.rbac import Asked, Subject, allowed
from onair.core.access.records import Record, chosen
from onair.core.control_plane import audit_log

CLUSTERS = ("local-kr", "local-us")
each_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
FIRST_UID = 3101
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def regions(bastion: Bastion, shop: Shop) -> Shop:
    """Both regions, with a way to them from the bastion."""
    reach_regions(bastion.rehearsal.facts)
    return shop


@pytest.fixture(scope="module")
def people(bastion: Bastion) -> dict[str, Someone]:
    """Somebody of every group who is enrolled, by group."""
    found = {group: bastion.hire(f"k-{group}", FIRST_UID + i, group) for i, group in enumerate(GROUPS)}
    played = bastion.play("--tags", "people")
    assert played.code == 0, played.output[-3000:]
    for each in found.values():
        bastion.enrol(each)
    return found


@contextmanager
def tunnel(bastion: Bastion, who: Someone) -> Iterator[int]:
    """Keep a person's ssh open, as the document says, and yield the port where it takes what goes through it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with bastion._ssh(who, who.recovery.pop(), ["-N", "-D", f"127.0.0.1:{port}"]) as process:

        def listening() -> bool | str:
            assert process.poll() is None, process.stdout and process.stdout.read()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            wait("the way through the bastion", 20, listening, interval=0.1)
            yield port
        finally:
            process.terminate()


@contextmanager
def kubectl(bastion: Bastion, shop: Shop, cluster: str, who: Someone) -> Iterator[Kubectl]:
    """Yield kubectl as a person runs it: with the kubeconfig that onair gives them, through their own ssh."""
    program = str(shop.local.region(cluster).binary("kubectl"))
    with tunnel(bastion, who) as port:
        words = ["access", "kubeconfig", cluster, who.name, "--people", str(bastion.file)]
        command = [str(bastion.root / ".venv/bin/onair"), *words, "--proxy", f"socks5://127.0.0.1:{port}"]
        config = bastion.rehearsal.folder / f"{cluster}-{who.name}.yaml"
        config.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        def run(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
            ask = [program, f"--kubeconfig={config}", *words]
            return subprocess.run(ask, input=text, capture_output=True, text=True, check=False, timeout=120)

        yield run


def review(asked: Asked) -> dict[str, Any]:
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    return kind | {"spec": {"resourceAttributes": asked.attributes}}


def documents(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that kubectl prints one after the other."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        found, end = decoder.raw_decode(text)
        yield found
        text = text[end:].lstrip()


def recorded(shop: Shop, cluster: str, who: str, word: str, began: datetime) -> Record:
    def found() -> list[Record]:
        log = of_api_server(audit_log(cluster, shop.local.paths), cluster)
        return [each for each in chosen(log, who, began) if word in each.what]

    wait(f"a record of {who} and {word}", 20, lambda: bool(found()), interval=0.2)
    return found()[-1]


@each_cluster
@pytest.mark.parametrize("group", GROUPS)
def test_through_the_bastion_each_group_may_what_the_document_says(
    bastion: Bastion, regions: Shop, people: dict[str, Someone], group: str, cluster: str
) -> None:
    held = manifests.of_people(bastion.root)
    asked = [each for row in rows() for each in row.asked]
    reviews = json.dumps({"apiVersion": "v1", "kind": "List", "items": [review(each) for each in asked]})
    with kubectl(bastion, regions, cluster, people[group]) as run:
        done = run("create", "--filename=-", "--output=json", text=reviews)
    assert done.returncode == 0, done.stderr
    answers = [each["status"]["allowed"] for each in documents(done.stdout)]
    assert len(answers) == len(asked)
    rights = [any(allowed(held, Subject("Group", group), each)) for each in asked]
    wrong = [f"{each}" for each, so, said in zip(asked, answers, rights, strict=True) if so is not said]
    assert not wrong, f"{len(wrong)} of {len(asked)} are not as written: {wrong[:10]}"
    bastion.say(f"{cluster}, {group}: {len(asked)} rights asked through the bastion, all as the document says")


@each_cluster
def test_a_developer_works_through_the_bastion_and_what_is_refused_is_known_with_its_origin(
    bastion: Bastion, regions: Shop, people: dict[str, Someone], cluster: str
) -> None:
    dev, began = people["developer"], datetime.now(UTC)
    pod = regions.pods(cluster, "web")[0]["metadata"]["name"]
    mine = ["create", "rolebinding", "e2e-mine", "--clusterrole=people-administer", f"--user={dev.name}"]
    with kubectl(bastion, regions, cluster, dev) as run:
        assert pod in run("--namespace=shop", "get", "pods").stdout
        for words in (["get", "secrets"], ["exec", pod, "--", "id"], mine):
            done = run("--namespace=shop", *words)
            assert done.returncode != 0
            assert "forbidden" in done.stderr.lower(), done.stderr
    for word in ("secrets", "exec", "rolebindings"):
        found = recorded(regions, cluster, dev.name, word, began)
        assert (found.result, found.origin) == ("denied", bastion.address)
    assert recorded(regions, cluster, dev.name, "list pods", began).result == "allowed"
    assert any(each.what.startswith("login") for each in chosen(bastion.rehearsal.store.records(), dev.name, began))


def test_a_leaver_gets_no_credential(bastion: Bastion, regions: Shop, people: dict[str, Someone]) -> None:
    operator = people["operator"]
    with kubectl(bastion, regions, "local-kr", operator) as run:
        assert run("--namespace=shop", "get", "pods").returncode == 0
        entry = bastion.entries.pop(operator.name)
        bastion.write()
        try:
            began = time.monotonic()
            done = run("--namespace=shop", "get", "pods")
        finally:
            bastion.entries[operator.name] = entry
            bastion.write()
    assert done.returncode != 0
    assert f"there is no person '{operator.name}'" in done.stderr
    bastion.say(f"a leaver is refused within {time.monotonic() - began:.1f} s")


def test_the_way_to_the_regions_is_the_bastions_alone(bastion: Bastion, regions: Shop) -> None:
    server = str(bastion.rehearsal.facts.cluster("local-kr").control_plane)
    ask = ["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{server}/6443"]
    assert Path("/bin/bash").exists()
    assert bastion.machine.run(*ask, check=False).returncode == 0, "root of the bastion itself"
    with bastion.guest() as netns:
        done = subprocess.run(["ip", "netns", "exec", netns, *ask], capture_output=True, check=False)
    assert done.returncode != 0, "a host beside the bastion reaches the API server without it"
