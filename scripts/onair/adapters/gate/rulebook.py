"""Every rule with its reasons and examples, the repository's own policies included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onair.adapters.gate import policies
from onair.core.change import rules as change
from onair.core.finding import OnairError
from onair.core.gate import rulebook, tree_rules, yaml_rules
from onair.core.gate.invariants import rules as invariants
from onair.core.gate.model import Rule
from onair.core.gate.policy import rules as policy
from onair.core.gate.schema import rules as schema


def read(root: Path) -> Mapping[str, Rule]:
    """Return every rule by its id.

    Raises
    ------
    OnairError
        If a policy cannot be read: its findings.
    """
    found, faults = policies.load(root)
    if faults:
        raise OnairError(*faults)
    return rulebook.by_id(
        tree_rules.RULES,
        yaml_rules.RULES,
        schema.RULES,
        policy.RULES,
        policies.rules(root, found),
        invariants.RULES,
        change.RULES,
    )
