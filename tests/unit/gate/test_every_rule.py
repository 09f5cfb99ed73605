"""No rule can be taken away, or stop to find anything, without a test that notices.

Rules over one object, over many and the schema's are broken by fixtures of their own, each by one (their tests say so).
The others are broken by tests and by the seeded defects: each of them must be expected by name somewhere.
"""

import re
from pathlib import Path

import pytest

from onair.adapters.gate import rulebook
from onair.core.change import rules as change
from onair.core.gate import tree_rules, yaml_rules
from onair.core.gate.invariants import rules as invariants
from onair.core.gate.policy import rules as policy
from onair.core.gate.schema import rules as schema

ROOT = Path(__file__).resolve().parents[3]
TESTS = {path: path.read_text() for form in ("*.py", "*.yaml") for path in (ROOT / "tests").rglob(form)}
BY_NAME = (*tree_rules.RULES, *yaml_rules.RULES, *policy.RULES, *change.RULES)


@pytest.mark.parametrize("rule", sorted(rule.id for rule in BY_NAME))
def test_a_test_expects_the_rule_by_name(rule: str) -> None:
    word = re.compile(rf"{re.escape(rule)}(?![a-z0-9-])")
    assert any(word.search(text) for text in TESTS.values())


def test_there_are_no_other_rules() -> None:
    known = {rule.id for rule in (*BY_NAME, *invariants.RULES, *schema.RULES)}
    others = set(rulebook.read(ROOT)) - known
    assert others == {f"policy/{path.parent.name}" for path in (ROOT / "policies").glob("*/fail.yaml")}
