"""Every rule of the schema: right objects pass, and each defect is found by its own rule alone."""

from typing import Any

import pytest
import yaml
from unit.gate.schema import world

from onair.core.gate.schema.rules import RULES

CASES: list[dict[str, Any]] = yaml.safe_load((world.HERE / "cases.yaml").read_text())
ELSEWHERE = {"schema/size"}  # test_size.py


def title(case: dict[str, Any]) -> str:
    return f"{case['in']}-{next(iter(case.get('set', {case.get('drop', 'as-is'): 0})))}-{case.get('rule', 'several')}"


@pytest.mark.parametrize("name", world.names())
def test_a_right_object_passes(name: str) -> None:
    assert world.problems(world.body(name)) == []


@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_defect_is_found_by_its_own_rule_alone_and_says_how_to_mend_it(case: dict[str, Any]) -> None:
    body = world.body(case["in"])
    for path, value in case.get("set", {}).items():
        world.edit(body, path, value)
    if "drop" in case:
        world.edit(body, case["drop"], drop=True)
    found = world.problems(body, case.get("cluster", "here"))
    assert {problem.rule for problem in found} == set(case.get("rules") or [case["rule"]]), found
    text = " ".join(f"{problem.what} {problem.mend}" for problem in found)
    assert case["says"] in text
    assert all(problem.mend for problem in found)
    assert "hides" not in case or case["hides"] not in text


def test_every_rule_has_a_defect_and_every_defect_a_rule() -> None:
    broken = {rule for case in CASES for rule in case.get("rules") or [case["rule"]]}
    assert broken | ELSEWHERE == {rule.id for rule in RULES}


def test_every_rule_says_why_with_a_bad_and_a_good_example() -> None:
    for rule in RULES:
        assert rule.why
        assert rule.bad != rule.good
