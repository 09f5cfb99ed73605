"""Tells each fault once: a fault of a base stands in every cluster's rendering, one of a file in every reader's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from onair.core.finding import Finding

_READERS = ("yaml/", "tree/")
_RENDERING = "render/failed"


def fold(findings: Iterable[Finding], clusters: Collection[str]) -> list[Finding]:
    """Return the findings with those that differ by cluster alone made one, and without consequences of others.

    Parameters
    ----------
    clusters
        Names of all clusters; a finding about one begins with its name. Findings name them in this order.
    """
    listed = list(findings)
    unreadable = {each.file for each in listed if each.file and each.rule.startswith(_READERS)}
    places: dict[Finding, set[str]] = {}
    for each in listed:
        if each.rule == _RENDERING and each.file in unreadable:
            continue
        cluster, _, rest = each.what.partition(" ")
        if cluster in clusters:
            places.setdefault(replace(each, what=rest), set()).add(cluster)
        else:
            places.setdefault(each, set())
    return [_told(each, [name for name in clusters if name in names]) for each, names in places.items()]


def _told(finding: Finding, clusters: list[str]) -> Finding:
    return replace(finding, what=f"{', '.join(clusters)} {finding.what}") if clusters else finding
