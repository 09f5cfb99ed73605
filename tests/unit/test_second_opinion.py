"""What the two scanners say is read, compared with what was rendered, and suppressed only with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import findings_of

from onair.adapters import second_opinion as adapter
from onair.core.gate.model import Object
from onair.core.second_opinion import (
    Suppression,
    files,
    judge_checkov,
    judge_validate,
    read_checkov,
    read_validate,
)

ROOT = Path(__file__).resolve().parents[2]
FILE = "prod-kr/web.yaml"
REASON = "upstream's image is built that way"


def made(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **more}


def checkov(*checks: tuple[str, str, str], unread: tuple[str, ...] = ()) -> str:
    results: dict[str, list[Any]] = {"passed_checks": [], "failed_checks": [], "parsing_errors": list(unread)}
    for verdict, check, resource in checks:
        entry = {"check_id": check, "check_name": "title", "resource": resource, "file_path": f"/{FILE}"}
        results[f"{verdict}_checks"].append({**entry, "file_line_range": [3, 9]})
    return json.dumps({"check_type": "kubernetes", "results": results})


FAILED = checkov(("failed", "CKV_K8S_11", "Deployment.shop.web"), ("passed", "CKV_K8S_8", "Deployment.shop.web"))
GIVEN = {FILE: [made("Deployment", "web")]}


def rules(text: str, *suppressions: Suppression, given: dict[str, list[dict[str, Any]]] = GIVEN) -> list[str]:
    return [found.rule for found in judge_checkov(read_checkov(text), given, suppressions)]


def test_a_failed_check_is_a_finding_unless_it_is_suppressed() -> None:
    suppression = Suppression(check="CKV_K8S_11", resources=("*.shop.*",), reason=REASON)
    assert rules(FAILED) == ["second-opinion/checkov"]
    assert rules(FAILED, suppression) == []


@pytest.mark.parametrize("change", [{"check": "CKV_K8S_12"}, {"resources": ("*.data.*",)}])
def test_a_suppression_of_nothing_is_a_finding(change: dict[str, Any]) -> None:
    idle = Suppression(check="CKV_K8S_11", resources=("*.shop.*",), reason=REASON).model_copy(update=change)
    assert sorted(rules(FAILED, idle)) == ["second-opinion/checkov", "second-opinion/idle-suppression"]


def test_what_checkov_did_not_look_at_is_a_finding() -> None:
    passed = checkov(("passed", "CKV_K8S_8", "Deployment.shop.web"))
    given = {FILE: [made("Deployment", "web"), made("Service", "web"), made("HTTPRoute", "web")]}
    assert rules(passed, given=given) == ["second-opinion/unscanned"], "the Service; it has no checks for a route"
    assert rules(checkov(("passed", "CKV_K8S_8", "Deployment.shop.web"), unread=(FILE,))) == [
        "second-opinion/unscanned"
    ]


def test_checkov_that_looked_at_nothing_is_no_answer() -> None:
    with pytest.raises(ValueError, match="looked at nothing"):
        read_checkov('{"passed": 0, "failed": 0, "resource_count": 0}')


def test_the_answers_of_several_frameworks_are_joined() -> None:
    both = f"[{FAILED}, {checkov(('failed', 'CKV_AWS_1', 'aws_s3_bucket.logs'))}]"
    assert [failure.check for failure in read_checkov(both).failures] == ["CKV_K8S_11", "CKV_AWS_1"]


def test_a_rollout_with_pods_of_its_own_is_shown_as_a_deployment() -> None:
    template = {"spec": {"containers": [{"name": "app"}]}}
    inline = made("Rollout", "web", spec={"template": template, "strategy": {}})
    referring = made("Rollout", "live", spec={"workloadRef": {"kind": "Deployment", "name": "live"}})
    given = files(Object("prod-kr", "web", "clusters/prod-kr/apps/web", body) for body in (inline, referring))
    kinds = [(body["kind"], body["metadata"]["name"]) for body in given[FILE]]
    assert kinds == [("Rollout", "web"), ("Deployment", "web-rollout"), ("Rollout", "live")]
    assert given[FILE][1]["spec"] == {"template": template}


def test_a_definition_is_given_once_however_many_clusters_have_it() -> None:
    other = {**CRD, "spec": {**CRD["spec"], "group": "other"}}
    objects = [
        Object(cluster, "rollouts", "leaf", body)
        for cluster in ("kr", "us")
        for body in (CRD, other, made("Role", "a"))
    ]
    given = files(objects)
    assert given["definitions.yaml"] == [CRD, other]
    assert [given[f"{cluster}/rollouts.yaml"] for cluster in ("kr", "us")] == [[made("Role", "a")]] * 2


PASSED = f"INFO {FILE} passed for resource deployment/web against version 1.36\n"
UNKNOWN = (
    f"WARN {FILE} Couldn't find schema for kind Rollout with api version argoproj.io/v1alpha1 for kubernetes 1.36\n"
)
WRONG = f"ERROR {FILE} did not validate for resource service/web against version 1.36: spec: no 'port'\n"
CRD = made(
    "CustomResourceDefinition",
    "rollouts.argoproj.io",
    spec={"group": "argoproj.io", "names": {"kind": "Rollout"}, "versions": [{"name": "v1alpha1"}]},
)


@pytest.mark.parametrize(
    ("said", "bodies", "expected"),
    [
        (PASSED, [made("Deployment", "web")], []),
        (PASSED + WRONG, [made("Deployment", "web"), made("Service", "web")], ["second-opinion/kubernetes-validate"]),
        (PASSED + UNKNOWN, [made("Deployment", "web"), made("Rollout", "web")], ["second-opinion/unscanned"]),
        (PASSED + PASSED + UNKNOWN, [made("Deployment", "web"), CRD, made("Rollout", "web")], []),
        (PASSED, [made("Deployment", "web"), made("Service", "web")], ["second-opinion/unscanned"]),
    ],
    ids=["passed", "failed", "unknown", "defined by a CRD", "fewer than rendered"],
)
def test_kubernetes_validate_is_held_to_all_objects(
    said: str, bodies: list[dict[str, Any]], expected: list[str]
) -> None:
    assert [found.rule for found in judge_validate(read_validate(said), {FILE: bodies})] == expected


def test_every_suppression_of_the_repository_has_its_reason() -> None:
    loaded = adapter.load(ROOT)
    assert loaded
    assert len({(entry.check, entry.resources) for entry in loaded}) == len(loaded)


@pytest.mark.parametrize("spec", ["[{check: CKV_K8S_11, resources: ['*'], reason: no}]", "[{check: x}]", "7"])
def test_a_suppression_without_a_reason_is_refused(spec: str, tmp_path: Path) -> None:
    file = tmp_path / adapter.DATA
    file.parent.mkdir(parents=True)
    file.write_text(f"spec: {spec}\n")
    (found,) = findings_of(lambda: adapter.load(tmp_path))
    assert (found.rule, found.file) == ("second-opinion/data", adapter.DATA)


def test_a_missing_program_says_how_to_get_it(tmp_path: Path) -> None:
    (found,) = findings_of(lambda: adapter.run_checkov(tmp_path / "checkov", tmp_path, "kubernetes"))
    assert (found.rule, found.mend) == ("second-opinion/tool", "make second-opinions builds its environment")


@pytest.mark.parametrize("program", [adapter.VALIDATE, adapter.QUICKLY])
def test_kubernetes_validate_itself(program: tuple[str, ...], tmp_path: Path) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}}
    bodies = [{**service, "spec": {"ports": [{"port": 1}]}}, {**service, "spec": {"port": 1}}, made("Rollout", "web")]
    adapter.write(tmp_path, {"a.yaml": bodies})
    said = adapter.run_validate(tmp_path, ["a.yaml"], "1.36", program)
    assert (said.passed["a.yaml"], len(said.failed), said.unknown) == (1, 1, [("a.yaml", "Rollout", "v1")])


@pytest.mark.parametrize(
    ("text", "why"),
    [("a: [", "b.yaml"), ("{apiVersion: v1, kind: Service, metadata: {}, spec: 1}", "KeyError: 'name'")],
)
def test_kubernetes_validate_that_breaks_off_is_no_answer(text: str, why: str, tmp_path: Path) -> None:
    adapter.write(tmp_path, {"a.yaml": [made("Service", "a", spec={"port": 1})]})
    (tmp_path / "b.yaml").write_text(text)
    (found,) = findings_of(lambda: adapter.run_validate(tmp_path, ["a.yaml", "b.yaml"], "1.36"))
    assert found.rule == "second-opinion/tool"
    assert "exit 1 after 1 objects: " in found.what
    assert why in found.what


def test_an_object_that_kubernetes_validate_cannot_judge_has_failed(tmp_path: Path) -> None:
    adapter.write(tmp_path, {"a.yaml": [{"kind": "Service", "metadata": {"name": "a"}}]})
    ((file, text),) = adapter.run_validate(tmp_path, ["a.yaml"], "1.36").failed
    assert (file, text) == ("a.yaml", "could not be validated: 'apiVersion'")
