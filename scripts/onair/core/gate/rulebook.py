"""Every rule by its id, for reports and for ``onair explain``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onair.core.gate.model import Rule


def by_id(*groups: Iterable[Rule]) -> Mapping[str, Rule]:
    """Return the rules of all groups by id.

    Raises
    ------
    ValueError
        If two rules have one id: ``explain`` would tell of the wrong one.
    """
    found: dict[str, Rule] = {}
    for rule in (each for group in groups for each in group):
        if rule.id in found:
            raise ValueError(f"two rules are called {rule.id}")
        found[rule.id] = rule
    return found
