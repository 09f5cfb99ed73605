"""What ``clusters/platform/kinds.yaml`` may say."""

from typing import Any

import pytest
import yaml
from unit.gate.schema import world

from onair.adapters.gate import kinds
from onair.adapters.gate.cache import Cache
from onair.adapters.gate.schemas import load
from onair.core.gate.brought import read
from onair.core.gate.schema.check import check

CLASS = """
group: eks.amazonaws.com
version: v1
kind: NodeClass
scope: Cluster
source: https://docs.aws.amazon.com/x.html
spec: {type: object, required: [role], properties: {role: {type: string}}}
"""
UPSTREAM = "https://github.com/x/x.git//crds/x.yaml?ref=v1.2.3"


def file(*entries: Any) -> dict[str, Any]:
    return {"apiVersion": "onair.dev/v1", "kind": "Kinds", "metadata": {"name": "kinds"}, "spec": {"prod": [*entries]}}


def described(**more: Any) -> dict[str, Any]:
    return {**yaml.safe_load(CLASS), **more}


def test_a_published_definition_is_a_file_at_a_release() -> None:
    ((found,),) = read(file({"published": UPSTREAM})).spec.values()
    assert found.place == ("https://github.com/x/x.git", "v1.2.3", "crds/x.yaml")


@pytest.mark.parametrize(
    "entry",
    [
        {"published": UPSTREAM.replace("v1.2.3", "main")},
        {"published": UPSTREAM.replace("https:", "http:")},
        {"published": UPSTREAM, "kind": "X"},
        described(source="a colleague"),
        described(scope="Galaxy"),
        described(plural="nodeclasses"),
        {},
    ],
)
def test_what_is_wrong_is_told_with_its_place(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"spec\.prod\.0"):
        read(file(entry))


def test_a_file_that_cannot_be_read_is_a_finding() -> None:
    for text in ("a: [", "a: b", yaml.safe_dump(file({"published": "x"}))):
        found, (finding,) = kinds.definitions({kinds.FILE: text}, {}, Cache(None))
        assert (found, finding.rule, finding.file) == ({}, "tree/kinds", kinds.FILE)
        assert finding.what
    assert kinds.definitions({}, {}, Cache(None)) == ({}, [])


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        ({"role": "nodes"}, set()),
        ({"role": 1}, {"schema/type"}),
        ({}, {"schema/missing"}),
        ({"role": "nodes", "rolle": "x"}, {"schema/unknown-key"}),
    ],
)
def test_a_described_kind_is_judged_as_strictly_as_any(spec: dict[str, Any], rules: set[str]) -> None:
    definitions, findings = kinds.definitions({kinds.FILE: yaml.safe_dump(file(described()))}, {}, Cache(None))
    assert findings == []
    schemas = load(world.VERSION, [world.found(body) for body in definitions["prod"]], None)
    body = {"apiVersion": "eks.amazonaws.com/v1", "kind": "NodeClass", "metadata": {"name": "web"}, "spec": spec}
    problems = check([world.found(body)], schemas, lambda _: True)
    assert {problem.rule for _, problem in problems} == rules
