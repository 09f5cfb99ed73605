"""The small parts of rendering: schemas apart, namespaces, and what Kustomize's messages mean."""

import copy
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from onair.adapters.gate.parts import Part, Parts
from onair.core.gate.crd_schemas import MARK, Entangled, marks, put_back, take_out
from onair.core.gate.kustomize_error import cause
from onair.core.gate.placement import placed, scopes
from onair.core.gate.tree_rules import RULES

SCHEMA = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "string"}}}}
CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Rollout"},
        "versions": [{"name": "v1", "schema": SCHEMA}, {"name": "v0"}],
    },
}


def test_schemas_are_taken_out_and_put_back_unchanged() -> None:
    before = copy.deepcopy(CRD)
    slim, schemas = take_out(CRD)
    assert before == CRD
    assert "properties" not in str(slim)
    assert list(schemas.values()) == [SCHEMA]
    assert list(marks([slim])) == list(schemas)
    assert put_back(slim, schemas.__getitem__) == CRD
    with pytest.raises(KeyError):
        put_back(slim, {}.__getitem__)


@pytest.mark.parametrize("body", [{}, {"kind": "Service"}, {"kind": "CustomResourceDefinition", "spec": None}])
def test_what_has_no_schemas_comes_back_as_it_is(body: dict[str, Any]) -> None:
    assert take_out(body) == (body, {})
    assert put_back(body, {}.__getitem__) is body


@pytest.mark.parametrize("change", [{"type": "object"}, {"description": f"{MARK}0 and more", "x": 1}])
def test_a_schema_that_was_patched_is_noticed(change: dict[str, str]) -> None:
    slim, _ = take_out(CRD)
    slim["spec"]["versions"][0]["schema"]["openAPIV3Schema"].update(change)
    with pytest.raises(Entangled):
        list(marks([slim]))


@pytest.mark.parametrize(
    ("api", "kind", "own", "result"),
    [
        ("v1", "Service", None, "shop"),
        ("v1", "Service", "data", "data"),
        ("v1", "Namespace", None, None),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", None, None),
        ("argoproj.io/v1", "Rollout", None, "shop"),
        ("unknown.example/v1", "Thing", None, None),
    ],
)
def test_an_object_goes_where_argo_cd_would_put_it(api: str, kind: str, own: str | None, result: str | None) -> None:
    body = {"apiVersion": api, "kind": kind, "metadata": {"name": "x", **({"namespace": own} if own else {})}}
    before = copy.deepcopy(body)
    assert placed(body, "shop", scopes([CRD]))["metadata"].get("namespace") == result
    assert body == before


FILES = {
    "clusters/kr/apps/web/kustomization.yaml": "resources: [../../../../apps/web/base]\n",
    "apps/web/base/kustomization.yaml": "resources: [workload.yaml]\n",
    "apps/web/base/workload.yaml": "kind: A\n---\nkind: B\nspec: {,\n",
    "apps/components/pod/kustomization.yaml": "patches: []\n",
}
NESTED = (
    "Error: accumulating resources: accumulation err='accumulating resources from '../../../../apps/web/base': "
    "'/t/x/apps/web/base' must resolve to a file': recursed accumulation of path '/t/x/apps/web/base': {}"
)


@pytest.mark.parametrize(
    ("message", "what", "file", "line"),
    [
        (
            NESTED.format(
                "accumulating resources: accumulation err='accumulating resources from 'workload.yaml': "
                "MalformedYAMLError: yaml: line 2: did not find expected node content in File: workload.yaml': "
                "must build at directory: '/t/x/apps/web/base/workload.yaml': file is not directory"
            ),
            "did not find expected node content",
            "apps/web/base/workload.yaml",
            4,
        ),
        (
            NESTED.format(
                "accumulating components: accumulateDirectory: \"recursed accumulation of path "
                "'/t/x/apps/components/pod': replace operation does not apply: doc is missing path: /spec/x\""
            ),
            "replace operation does not apply: doc is missing path: /spec/x",
            "apps/components/pod/kustomization.yaml",
            None,
        ),
        (
            "Error: accumulating resources: accumulation err='accumulating resources from 'https://h/a//m?ref=v9': "
            "Get \"https://h\": no such host': failed to run 'git fetch': fatal: couldn't find remote ref v9",
            "https://h/a//m?ref=v9: couldn't find remote ref v9",
            None,
            None,
        ),
        ("Error: something else entirely", "something else entirely", None, None),
    ],
)  # fmt: skip
def test_a_message_is_cut_to_its_cause(message: str, what: str, file: str | None, line: int | None) -> None:
    assert cause(message, "/t/x", FILES) == (what, file, line)


def test_what_two_trees_have_in_common_is_made_once() -> None:
    parts, both, made = Parts(), threading.Barrier(2), list[str]()

    def ask(key: str) -> Part:
        def make() -> Part:
            made.append(key)
            return Part(key, [{"kind": "A"}])

        both.wait(20)
        return parts.get(key, make)

    with ThreadPoolExecutor(2) as pool:
        for key, times in (("same", 1), ("", 2)):
            made.clear()
            one, other = pool.map(ask, (key, key))
            assert (one is other) is (times == 1)
            assert len(made) == times


def test_a_part_that_cannot_be_made_is_an_error_for_both() -> None:
    parts = Parts()

    def broken() -> Part:
        raise OSError("no space left")

    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            parts.get("key", broken)


def test_a_message_of_any_length_stays_readable() -> None:
    assert len(cause("x" * 5000, "/t/x", FILES).what) <= 300


def test_every_rule_of_the_tree_can_be_explained() -> None:
    scripts = Path(__file__).resolve().parents[3] / "scripts/onair"
    sources = [*scripts.glob("core/gate/[ak]*.py"), *scripts.glob("adapters/gate/[klprtw]*.py")]
    text = "\n".join(path.read_text() for path in sources)
    used = set(re.findall(r'"((?:render|applicationset)/[a-z-]+|tree/(?:kinds|missing-reference|unreached))"', text))
    used |= {f"tree/{name}" for name in re.findall(r'_finding\("([a-z0-9-]+)"', text)}
    assert used == {rule.id for rule in RULES}
    for rule in RULES:
        assert rule.why
        assert rule.bad != rule.good
