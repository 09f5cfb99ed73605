"""All rules over many objects, and how far each of them looks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import NamedTuple

from onair.core.cloud import outputs
from onair.core.gate import address_rules, naming, parity
from onair.core.gate.invariants import (
    analysis,
    capacity,
    certificates,
    delivery,
    leaves,
    network,
    projects,
    provided,
    queries,
    references,
    routes,
    secrets,
    serving,
)
from onair.core.gate.model import Estate, Rule

CLUSTER: tuple[Rule, ...] = (
    *serving.RULES,
    *network.RULES,
    *routes.RULES,
    *references.RULES,
    *secrets.RULES,
    *provided.RULES,
    *certificates.RULES,
    *delivery.RULES,
    *capacity.RULES,
    *analysis.RULES,
    *projects.RULES,
    *queries.RULES,
    *naming.RULES,
    address_rules.PODS,
    address_rules.SERVICES,
    *outputs.RULES,
)
"""Rules that look at one cluster: its objects, its facts and the platform's data, and at no file's text."""
PEERS = (parity.DIFFERS,)
"""Rules that compare two clusters which back each other up; they look at no file's text either."""
WHOLE = (*leaves.RULES, parity.UNUSED, address_rules.PLAN)
"""Rules that look at everything."""
RULES = (*CLUSTER, *PEERS, *WHOLE)
"""Every rule; each has its own ``check``."""


class Task(NamedTuple):
    """Rules with the part of an estate that decides what they find: it can be judged, and remembered, on its own.

    Attributes
    ----------
    rules
        What judges it.
    clusters
        Whose objects and facts it has.
    estate
        The part.
    """

    rules: Collection[Rule]
    clusters: Collection[str]
    estate: Estate


def tasks(estate: Estate) -> Iterator[Task]:
    """Divide the work: what changes on one cluster leaves the verdicts on the others as they are."""
    for cluster in estate.by_cluster:
        yield Task(CLUSTER, (cluster,), _part(estate, (cluster,)))
    for pair in parity.pairs(estate):
        yield Task(PEERS, pair, _part(estate, pair))
    yield Task(WHOLE, tuple(estate.by_cluster), estate)


def _part(estate: Estate, clusters: Collection[str]) -> Estate:
    return replace(
        estate,
        objects=[found for name in clusters for found in estate.by_cluster.get(name, ())],
        clusters={name: facts for name, facts in estate.clusters.items() if name in clusters},
        texts={},
    )
