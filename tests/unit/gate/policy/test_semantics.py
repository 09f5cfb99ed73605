"""The evaluator follows the API server (that these are its verdicts too: tests/integration/test_gate_policies.py)."""

import pytest
from policy_examples import as_object
from policy_semantics import OBJECTS, SEMANTICS, semantics

from onair.core.gate.policy.model import POLICY

ERRORS = {"an-error-denies", "an-error-in-a-condition-denies"}
ALWAYS = ERRORS | {"ignore-does-not-ignore-false", "every-validation-counts", "namespaced-scope-is"}
BROKEN = {
    "plain": ALWAYS
    | {"a-condition-selects", "an-unused-variable-is-not-evaluated", "an-empty-message-is-dropped"}
    | {"a-message-of-two-lines-is-dropped", "a-message-in-error-is-dropped", "namespaces-are-selected"}
    | {"a-binding-narrows"},
    "sized": ALWAYS | {"objects-are-selected", "namespaces-are-selected", "rules-exclude", "optional-values"},
    "large": ALWAYS
    | {"variables-use-variables", "a-namespace-has-labels", "a-policy-selects-too", "rules-exclude"}
    | {"a-parameter-by-name", "parameters-by-label", "a-parameter-of-the-objects-namespace", "optional-values"}
    | {"names-in-strings-are-no-variables", "strings-and-lists"},
    "wide": {"cluster-scope-is-not-namespaced"},
    "fresh": {"cluster-scope-is-not-namespaced"},
}
NEVER = {
    "a-false-condition-skips",
    "an-error-in-a-condition-is-ignored",
    "an-error-is-ignored",
    "an-old-object-is-null",
    "a-request-says-what-is-asked",
    "updates-are-not-creations",
    "subresources-are-not-resources",
    "a-missing-parameter-is-allowed",
    "a-binding-without-parameters",
}
JUDGE = semantics(SEMANTICS)
MESSAGES = {
    verdict.policy.name: verdict.message
    for body in OBJECTS
    for verdict in JUDGE.judge(as_object(body))
    if body["metadata"]["name"] in {"plain", "large", "refused"}
}


@pytest.mark.parametrize("name", BROKEN)
def test_who_breaks_what(name: str) -> None:
    (body,) = (each for each in OBJECTS if each["metadata"]["name"] == name)
    assert {verdict.policy.name for verdict in JUDGE.judge(as_object(body))} == BROKEN[name]


def test_some_are_never_broken() -> None:
    broken = {verdict.policy.name for body in OBJECTS for verdict in JUDGE.judge(as_object(body))}
    assert {body["metadata"]["name"] for body in SEMANTICS if body["kind"] == POLICY} - broken == NEVER


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("a-message-of-two-lines-is-dropped", "the other"),
        ("a-message-in-error-is-dropped", "the other"),
        ("an-empty-message-is-dropped", "failed expression: has(object.data.size)"),
        ("variables-use-variables", "variables.double is 80"),
        ("strings-and-lists", "name=large"),
        ("every-validation-counts", "second"),
        ("a-missing-parameter-denies", "no params found for policy binding with `Deny` parameterNotFoundAction"),
    ],
)
def test_what_is_said(policy: str, message: str) -> None:
    assert MESSAGES[policy] == message
