"""Analyses of releases: what makes one fail for its own faults, or pass without having looked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import Place, mapping, mappings, values
from onair.core.gate.invariants.index import index
from onair.core.gate.model import Body, Estate, Object, Rule

USES = (
    ("spec", "strategy", "blueGreen", "prePromotionAnalysis"),
    ("spec", "strategy", "blueGreen", "postPromotionAnalysis"),
    ("spec", "strategy", "canary", "analysis"),
    ("spec", "strategy", "canary", "steps", "*", "analysis"),
)
ARGUMENT = re.compile(r"\{\{\s*args\.([\w-]+)\s*\}\}")


class Argument(NamedTuple):
    """An argument of a template; ``filled`` where it has a value of its own."""

    template: Object
    value: object
    filled: bool


def analyses(estate: Estate) -> Iterator[Finding]:
    """Find Prometheus metrics of analyses that take silence for success, or fail at once."""
    for template in index(estate).of("AnalysisTemplate", "ClusterAnalysisTemplate"):
        for i, metric in enumerate(mappings(template.get("spec", "metrics"))):
            for field, fault, mend in _unguarded(metric):
                at = ("spec", "metrics", i, field)
                what = f"metric {metric.get('name')}: {fault}"
                yield estate.finding("analysis/guarded", template, what, at=at, why=GUARDED.why, mend=mend)


def arguments(estate: Estate) -> Iterator[Finding]:
    """Find analyses that cannot begin: an argument without a value, or with two.

    The arguments of all templates that an analysis combines are one list: a second default of the same name is an error
    (``flattenArgs`` in Argo Rollouts' utils/analysis/helpers.go), and so is one that nobody gives a value.
    """
    for template in index(estate).of("AnalysisTemplate", "ClusterAnalysisTemplate"):
        declared = {str(each.get("name")) for each in mappings(template.get("spec", "args"))}
        for name in sorted({x for text in _texts(template.get("spec", "metrics")) for x in ARGUMENT.findall(text)}):
            if name not in declared:
                what = f"{{{{args.{name}}}}} is no argument of it"
                yield _finding(estate, template, what, ("spec", "metrics"), f"add {name} to spec.args")
    for rollout in index(estate).of("Rollout"):
        for use in USES:
            for place, analysis in values(rollout.body, use):
                yield from _combined(estate, rollout, place, mapping(analysis))


def _combined(estate: Estate, rollout: Object, place: Place, analysis: Body) -> Iterator[Finding]:
    given = {str(each.get("name")) for each in mappings(analysis.get("args"))}
    seen: dict[str, Argument] = {}
    for template in _templates(estate, rollout, analysis):
        for each in mappings(template.get("spec", "args")):
            name, found = str(each.get("name")), Argument(template, each.get("value"), bool(each.keys() - {"name"}))
            first = seen.setdefault(name, found)
            if first.value is not None and found.value is not None and first.value != found.value:
                both = f"{first.value!r} in {first.template.name}, {found.value!r} in {template.name}"
                yield _finding(estate, rollout, f"argument {name} is {both}", place, "give each a name of its own")
            if found.filled and not first.filled:
                seen[name] = found
    for name, argument in seen.items():
        if name not in given and not argument.filled:
            what = f"argument {name} of {argument.template.name} has no value"
            yield _finding(estate, rollout, what, place, f"add {name} to the args of the analysis")


def _templates(estate: Estate, rollout: Object, analysis: Body) -> Iterator[Object]:
    """Return the templates that an analysis names; one that is missing is another rule's finding."""
    for each in mappings(analysis.get("templates")):
        wide = each.get("clusterScope") is True
        kind, namespace = ("ClusterAnalysisTemplate", "") if wide else ("AnalysisTemplate", rollout.namespace)
        if found := index(estate).find(rollout.cluster, kind, namespace, str(each.get("templateName"))):
            yield found


def _finding(estate: Estate, found: Object, what: str, at: Place, mend: str) -> Finding:
    return estate.finding("analysis/arguments", found, what, at=at, why=ARGUMENTS.why, mend=mend)


def _texts(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    for each in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _texts(each)


def _unguarded(metric: Body) -> Iterator[tuple[str, str, str]]:
    if "prometheus" in mapping(metric.get("provider")):
        condition = f"{metric.get('successCondition', '')} {metric.get('failureCondition', '')}"
        for guard, means in (("len(result)", "an empty result"), ("isNaN(", "a division by zero")):
            if guard not in condition.replace("len( result", "len(result"):
                yield (
                    "successCondition",
                    f"no {guard.rstrip('(')} guards against {means}",
                    f"add {guard} to the condition",
                )
    count, limit = metric.get("count"), metric.get("failureLimit", 0)
    if isinstance(count, int) and isinstance(limit, int) and 0 <= count <= limit:
        yield (
            "failureLimit",
            f"count {count} is not above failureLimit {limit}: it cannot fail",
            "set count > failureLimit",
        )


GUARDED = Rule(
    "analysis/guarded",
    "no traffic gives an empty result or NaN, which must not pass for a good release",
    'successCondition: "result[0] < 0.01"',
    'successCondition: "len(result) > 0 && !isNaN(result[0]) && result[0] < 0.01"',
    analyses,
)
ARGUMENTS = Rule(
    "analysis/arguments",
    "an analysis that cannot begin is an error, and every release that asks it is taken back",
    "prePromotionAnalysis: {templates: [{templateName: success}]} # its argument service has no value",
    "prePromotionAnalysis: {templates: [{templateName: success}], args: [{name: service, value: web}]}",
    arguments,
)
RULES = (GUARDED, ARGUMENTS)
