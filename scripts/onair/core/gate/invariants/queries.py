"""Every query of analyses, alert rules and dashboards parses as PromQL, with known functions and types.

Parsed by promql-parser, a Rust port of Prometheus' own parser: the gate runs where no toolchain is built. Prometheus'
own promtool judges rules, configuration and the figures they give in tests/integration/test_monitoring.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings, values
from onair.core.gate.invariants.index import index
from onair.core.gate.model import Estate, Object, Path, Rule

DURATIONS = re.compile(r"\$\{?(?:__interval|__rate_interval|__range|__auto|interval|resolution)(?::[a-z]+)?\}?")
"""Grafana's variables that stand for a duration: https://grafana.com/docs/grafana/latest/dashboards/variables/"""
_GRAFANA, _ROLLOUTS = r"\$\{?\w+(?::\w+)?\}?", r"\{\{\s*[\w.-]+\s*\}\}"
VARIABLE = re.compile(f"{_GRAFANA}|{_ROLLOUTS}")
"""Variables of Grafana, and arguments of an analysis: https://argo-rollouts.readthedocs.io/en/stable/features/analysis/"""
STAND_INS = ("x", "1")
"""What a variable may be: a name, or a number where only one is allowed (``clamp_min(x, $floor)``)."""
RANGE = re.compile(rf"\[\s*(?:{_GRAFANA}|{_ROLLOUTS})")


def parse(estate: Estate) -> Iterator[Finding]:
    """Find queries that Prometheus would refuse."""
    seen: dict[str, str] = {}
    for owner, at, query in _queries(estate):
        if query not in seen:
            seen[query] = fault(query)
        if seen[query]:
            what = f"{seen[query]}: {_short(query)}"
            yield estate.finding(
                "query/parse", owner, what, at=at, why=QUERY.why, mend="correct the PromQL at this place"
            )


def fault(query: str) -> str:
    """Return why Prometheus refuses ``query``, or nothing. Variables are given a value of their kind first."""
    import promql_parser  # noqa: PLC0415 (loads in 10 ms; most estates have no query)

    told, durations = "", DURATIONS.sub("5m", RANGE.sub("[5m", query))
    for value in STAND_INS if VARIABLE.search(durations) else STAND_INS[:1]:
        try:
            promql_parser.parse(VARIABLE.sub(value, durations))
        except ValueError as error:
            told = told or str(error).strip() or "it does not parse"
        else:
            return ""
    return told


def _queries(estate: Estate) -> Iterator[tuple[Object, Path, str]]:
    metric = ("spec", "metrics", "*", "provider", "prometheus", "query")
    for owner in index(estate).of("AnalysisTemplate", "ClusterAnalysisTemplate"):
        yield from _strings(owner, metric)
    for owner in index(estate).of("PrometheusRule"):
        yield from _strings(owner, ("spec", "groups", "*", "rules", "*", "expr"))
    for owner in index(estate).of("ConfigMap"):
        for name, text in mapping(owner.get("data")).items():
            if isinstance(text, str) and str(name).endswith(".json") and '"panels"' in text:
                yield from ((owner, ("data", name), query) for query in _dashboard(text))
            elif isinstance(text, str) and str(name).endswith((".yaml", ".yml")) and "groups:" in text:
                yield from ((owner, ("data", name), query) for query in _rules(text))


def _strings(owner: Object, path: tuple[str, ...]) -> Iterator[tuple[Object, Path, str]]:
    for at, found in values(owner.body, path):
        yield owner, at, str(found)


def _dashboard(text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
    except ValueError:
        yield "{ the dashboard is not JSON"  # does not parse as a query either: reported with its place
        return
    yield from _targets(found)


def _targets(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "expr" and isinstance(value, str):
                yield value
            else:
                yield from _targets(value)
    elif isinstance(found, list):
        for each in found:
            yield from _targets(each)


def _rules(text: str) -> Iterator[str]:
    import yaml  # noqa: PLC0415

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    try:
        found = yaml.load(text, Loader=LOADER)  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        yield "{ the rules are not YAML"
        return
    groups = mappings(found.get("groups")) if isinstance(found, dict) else []
    for group in groups:
        for rule in mappings(group.get("rules")):
            if "expr" in rule:
                yield str(rule["expr"])


def _short(query: str) -> str:
    text = " ".join(query.split())
    return text if len(text) <= 120 else f"{text[:117]}..."


QUERY = Rule(
    "query/parse",
    "an alert whose query does not parse never fires; an analysis with one fails every release",
    'query: sum(rate(requests_total{code=~"5.."}[5m])',
    'query: sum(rate(requests_total{code=~"5.."}[5m]))',
    parse,
)
RULES = (QUERY,)
