"""Label selectors, with the API server's semantics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onair.core.gate.invariants.fields import mapping, mappings, texts

Labels = Mapping[str, str]


def matches(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Return whether a LabelSelector selects ``labels``; no selector selects nothing, an empty one everything.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/
    """
    if not isinstance(selector, dict):
        return False
    wanted = mapping(selector.get("matchLabels"))
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_fits(each, labels) for each in mappings(selector.get("matchExpressions")))


def equal(selector: Mapping[str, str] | None, labels: Labels) -> bool:
    """Return whether a Service's selector (plain labels) selects ``labels``; an empty one selects nothing."""
    return bool(selector) and all(labels.get(key) == value for key, value in mapping(selector).items())


def _fits(expression: Mapping[str, Any], labels: Labels) -> bool:
    value, wanted = labels.get(str(expression.get("key"))), texts(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return value is not None and value in wanted
        case "NotIn":
            return value is None or value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False  # the schema refuses other operators
