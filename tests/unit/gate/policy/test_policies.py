"""Every policy finds what its own examples show, and nothing else does."""

from dataclasses import replace

import pytest
from policy_examples import ROOT, Example, as_object, examples, judge

from onair.adapters.gate import policies
from onair.core.gate.model import Body
from onair.core.gate.policy.examples import TEMPLATE_PATHS
from onair.core.gate.policy.expressions import Environment
from onair.core.gate.policy.read import expressions

FOUND, FAULTS = policies.load(ROOT)
JUDGE = judge(FOUND)
EXAMPLES = list(examples(FOUND))
NAMES = sorted(FOUND.policies)


def broken(body: Body) -> set[str]:
    return {verdict.policy.name for verdict in JUDGE.judge(as_object(body)) if not verdict.excused}


def test_all_are_read_and_compile() -> None:
    assert FAULTS == []
    assert expressions(FOUND, Environment()) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_an_example_is_judged_by_its_own_policy_alone(example: Example) -> None:
    assert broken(example.body) == example.expected


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_a_policy_has_an_example(name: str) -> None:
    policy = FOUND.policies[name]
    fails = [as_object(each.body) for each in EXAMPLES if each.policy == name and each.broken]
    assert any(each.policy == name and not each.broken for each in EXAMPLES)
    for position, validation in enumerate(policy.validations):
        rest = (*policy.validations[:position], *policy.validations[position + 1 :])
        without = judge(replace(FOUND, policies={**FOUND.policies, name: replace(policy, validations=rest)}))
        missed = [each for each in fails if name not in {v.policy.name for v in without.judge(each)}]
        assert missed, f"no example breaks {validation.expression} alone"


def test_pod_policies_see_every_kind_with_a_pod_template() -> None:
    seen: dict[str, set[str]] = {}
    for each in EXAMPLES:
        if each.id.endswith(f"-{each.body['kind']}"):
            seen.setdefault(each.policy, set()).add(each.body["kind"])
    jobs = {"Job", "CronJob"}
    serving = {"probes", "grace-period", "drain"}
    for name, kinds in seen.items():
        wanted = {"Deployment", "Rollout"} if name == "spread-by-revision" else {*TEMPLATE_PATHS}
        assert kinds == wanted - (jobs if name in serving else set()), name
    assert len(seen) == 19


def test_every_policy_can_be_explained() -> None:
    explained = policies.rules(ROOT, FOUND)
    assert [rule.id for rule in explained] == [f"policy/{name}" for name in FOUND.policies]
    (tag,) = (rule for rule in explained if rule.id == "policy/image-tag")
    assert ":latest" in tag.bad
    assert "@sha256:" in tag.good
    assert "rollback" in tag.why


def test_the_list_of_what_is_synced_is_complete() -> None:
    listed = (ROOT / "policies/kustomization.yaml").read_text()
    assert [name for name in NAMES if f"\n- {name}.yaml\n" not in listed] == []
    assert {path.name for path in (ROOT / "policies").iterdir() if path.is_dir()} == {*NAMES, "examples"}
