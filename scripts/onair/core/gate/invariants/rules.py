"""All rules over many objects."""

from __future__ import annotations

from onair.core.cloud import outputs
from onair.core.gate import address_rules, naming, parity
from onair.core.gate.invariants import (
    analysis,
    capacity,
    delivery,
    leaves,
    network,
    projects,
    queries,
    references,
    routes,
    secrets,
    serving,
)
from onair.core.gate.model import Rule

RULES: tuple[Rule, ...] = (
    *serving.RULES,
    *network.RULES,
    *routes.RULES,
    *references.RULES,
    *secrets.RULES,
    *delivery.RULES,
    *capacity.RULES,
    *analysis.RULES,
    *projects.RULES,
    *leaves.RULES,
    *queries.RULES,
    *naming.RULES,
    *address_rules.RULES,
    *parity.RULES,
    *outputs.RULES,
)
"""Every rule, in the order in which findings are shown; each has its own ``check``."""
