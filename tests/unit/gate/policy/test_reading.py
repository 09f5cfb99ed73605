"""Policies, exceptions and examples as data: what is wrong in them is found."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from policy_examples import ROOT, as_object, judge, namespaces

from onair.adapters.gate import policies
from onair.core.gate.model import Body, Estate
from onair.core.gate.policy import kinds
from onair.core.gate.policy.examples import overlay
from onair.core.gate.policy.expressions import Environment, inline
from onair.core.gate.policy.findings import check
from onair.core.gate.policy.model import Named, Policies
from onair.core.gate.policy.read import expressions, read
from onair.core.gate.policy.rules import RULES

FOUND, _ = policies.load(ROOT)
TODAY = date(2026, 11, 23)
WILD: Body = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "argocd-server"},
    "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}],
}
MATCHED = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}]
POLICY: Body = {
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "one", "annotations": {"onair.dev/why": "because", "onair.dev/mend": "do"}},
    "spec": {"matchConstraints": {"resourceRules": MATCHED}, "validations": [{"expression": "true"}]},
}
BINDING: Body = {
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "one"},
    "spec": {"policyName": "one", "validationActions": ["Deny"]},
}
SELECTOR = {"objectSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}
EXCEPTION: Body = {
    "policy": "one",
    "kind": "ConfigMap",
    "namespace": "shop",
    "name": "a",
    "owner": "us",
    "reason": "x",
    "until": str(TODAY),
}


def exceptions(*entries: Body) -> Body:
    return {"kind": "PolicyExceptions", "spec": list(entries)}


def faults(*bodies: Body) -> list[str]:
    return [each.what for each in read(("policies/one.yaml", body) for body in bodies)[1]]


def changed(body: Body, path: str, value: object) -> Body:
    made = deepcopy(body)
    *steps, last = path.split(".")
    inner: Any = made
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return made


def found_in(found: Policies, body: Body, today: date = TODAY) -> dict[str, str]:
    objects = [as_object(each) for each in [*namespaces(), body]]
    return {each.rule: each.mend for each in check(Estate(objects), found, today)}


def only(*names: str) -> Policies:
    return replace(FOUND, exemptions=tuple(each for each in FOUND.exemptions if each.name in names))


def test_a_policy_with_its_binding_is_clean() -> None:
    assert faults(POLICY, BINDING, exceptions(EXCEPTION)) == []


@pytest.mark.parametrize(
    ("bodies", "what"),
    [
        ([POLICY], "one has no binding"),
        ([BINDING], "names the policy one, which does not exist"),
        ([POLICY, BINDING, {"kind": "Pod"}], "Pod in policies/"),
        ([changed(POLICY, "metadata.annotations", {"onair.dev/why": "x"}), BINDING], "no annotation"),
        ([POLICY, BINDING, exceptions({**EXCEPTION, "policy": "two"})], "from two, which does not exist"),
        ([POLICY, BINDING, exceptions({**EXCEPTION, "until": "some day"})], "not an exception"),
        ([POLICY, BINDING, exceptions({**EXCEPTION, "reason": ""})], "not an exception"),
        ([POLICY, BINDING, exceptions({**EXCEPTION, "extra": "x"})], "not an exception"),
        ([POLICY, BINDING, exceptions({"policy": "one"})], "not an exception"),
        ([POLICY, BINDING, {"kind": "ValidatingAdmissionPolicy", "spec": {"validations": [{}]}}], "KeyError"),
        (
            [POLICY, BINDING, changed(BINDING, "spec", {"matchResources": SELECTOR})],
            "no operator of a label selector: Is",
        ),
    ],
)
def test_what_is_wrong_is_found(bodies: list[Body], what: str) -> None:
    (fault,) = faults(*bodies)
    assert what in fault


@pytest.mark.parametrize(
    "expression", ["object.", "1 + 1", "nothing.there", "object.data.noSuchFunction()", "variables.none"]
)
def test_an_expression_that_the_gate_cannot_judge_is_never_a_pass(expression: str) -> None:
    found, _ = read(
        [("one.yaml", changed(POLICY, "spec.validations", [{"expression": expression}])), ("one.yaml", BINDING)]
    )
    assert [each.rule for each in expressions(found, Environment())] == ["policy/expression"]
    (verdict,) = judge(found).judge(as_object({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}))
    assert verdict.message


def test_what_the_api_server_refuses_or_forgets_is_found() -> None:
    spec = {**POLICY["spec"], "variables": [{"name": "x", "expression": "true"}]}
    optional = {**spec, "variables": [{"name": "x", "expression": "object.?data"}, {"name": "y", "expression": "true"}]}
    condition = {**spec, "matchConditions": [{"name": "c", "expression": "variables.x"}]}
    message = {**spec, "validations": [{"expression": "variables.x", "messageExpression": "object.data.x"}]}
    for body in (condition, message, optional):
        found, _ = read([("one.yaml", {**POLICY, "spec": body}), ("one.yaml", BINDING)])
        assert [each.rule for each in expressions(found, Environment())] == ["policy/expression"]


def test_a_live_exception_that_the_binding_knows_excuses() -> None:
    assert found_in(only("argocd-server"), WILD) == {}


def test_an_expired_exception_fails_and_says_so() -> None:
    found = found_in(only("argocd-server"), WILD, today=date(2099, 1, 1))
    assert found.keys() == {"policy/rbac-no-wildcard", "policy/exception-expired"}
    assert "2027" in found["policy/rbac-no-wildcard"]


def test_the_last_day_counts() -> None:
    (entry,) = only("argocd-server").exemptions
    assert found_in(only("argocd-server"), WILD, today=entry.until) == {}


def test_an_exception_that_excuses_nothing_is_found() -> None:
    harmless = {**WILD, "rules": []}
    assert found_in(only("argocd-server"), harmless).keys() == {"policy/exception-unused"}


def test_a_name_in_a_binding_without_a_reason_is_found() -> None:
    found = found_in(only(), WILD)
    assert found.keys() == {"policy/rbac-no-wildcard"}
    assert "policies/exceptions.yaml" in found["policy/rbac-no-wildcard"]


def test_an_exception_that_the_cluster_does_not_know_is_found() -> None:
    (entry,) = only("argocd-server").exemptions
    found = replace(FOUND, exemptions=(replace(entry, name="other"),))
    said = found_in(found, changed(WILD, "metadata.name", "other"))
    assert "excludeResourceRules" in said["policy/rbac-no-wildcard"]


def test_a_binding_that_warns_makes_a_warning() -> None:
    warns = replace(FOUND, bindings=tuple(replace(each, actions=("Warn",)) for each in FOUND.bindings), exemptions=())
    made = check(Estate([as_object(WILD)]), warns, TODAY)
    assert [each.severity for each in made] == ["warning"]


def test_a_file_that_cannot_be_read_is_one_finding(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, text in {"a": "{", "b": "- list", "c": "kind: Pod"}.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "d.yaml").write_bytes(b"\xff")
    assert sorted(each.file or "" for each in policies.load(tmp_path)[1]) == [
        f"policies/{name}.yaml" for name in "abcd"
    ]


def test_variables_are_bound_once_each_in_their_order() -> None:
    variables = [Named("a", "1"), Named("b", "variables.a + 1"), Named("c", "3")]
    assert inline("variables.b == 2 && 'variables.c' != x.variables.c", variables) == (
        "cel.bind(variables_a, 1, cel.bind(variables_b, variables_a + 1, "
        "variables_b == 2 && 'variables.c' != x.variables.c))"
    )


@pytest.mark.parametrize(
    ("base", "patch", "made"),
    [
        ({"a": 1, "b": 2}, {"b": None, "c": 3}, {"a": 1, "c": 3}),
        (
            [{"name": "a", "x": 1}, {"name": "b"}],
            [{"name": "a", "y": 2}],
            [{"name": "a", "x": 1, "y": 2}, {"name": "b"}],
        ),
        ([{"name": "a"}], [{"name": "c"}], [{"name": "a"}, {"name": "c"}]),
        ([1, 2], [3], [3]),
        ({"a": [1]}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_examples_are_merged(base: object, patch: object, made: object) -> None:
    before = deepcopy(base)
    assert overlay(base, patch) == made
    assert base == before


def test_defined_kinds_have_the_resource_that_their_definition_says() -> None:
    crd = {"kind": "CustomResourceDefinition", "spec": {"group": "g", "names": {"kind": "Mouse", "plural": "mice"}}}
    assert kinds.defined([as_object(crd)]) == {("g", "Mouse"): "mice"}


def test_namespaces_of_a_cluster_are_not_anothers() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"type": "NodePort"},
    }
    here = as_object(body)
    elsewhere = replace(here, cluster="local-kr")
    judging = judge(FOUND)
    assert [v.policy.name for v in judging.judge(here)] == ["service-internal"]
    assert list(judging.judge(elsewhere)) == []


@pytest.mark.parametrize(
    "value", [date(2020, 1, 1), {1, 2}, b"x", 2**70, float("nan"), True, None, [[]], {1: 2}, "\ud800"]
)
@pytest.mark.parametrize("where", ["metadata", "metadata.labels", "spec", "spec.template.spec", "spec.replicas"])
def test_nonsense_is_judged_without_a_crash(value: object, where: str) -> None:
    base = policies.bases(ROOT)["Deployment"]
    assert isinstance(list(judge(FOUND).judge(as_object(changed(base, where, value)))), list)


def test_the_rules_about_policies_can_be_explained() -> None:
    assert {rule.id for rule in RULES} == {
        "policy/data",
        "policy/expression",
        "policy/exception-expired",
        "policy/exception-unused",
    }
    assert all(rule.why and rule.bad and rule.good for rule in RULES)


def test_the_examples_namespaces_obey_the_policies() -> None:
    judging: Callable[[Body], Any] = lambda body: list(judge(FOUND).judge(as_object(body)))  # noqa: E731
    assert [judging(body) for body in namespaces()] == [[]] * 4
