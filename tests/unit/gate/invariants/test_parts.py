"""What the rules are made of: selectors, durations, queries, references."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onair.core.gate.invariants.delivery import seconds
from onair.core.gate.invariants.fields import values
from onair.core.gate.invariants.index import index
from onair.core.gate.invariants.labels import equal, matches
from onair.core.gate.invariants.queries import fault
from onair.core.gate.model import Estate, Object

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        (None, {"a": "x"}, False),
        ({}, {}, True),
        ({"matchLabels": {"a": "x"}}, {"a": "x", "b": "y"}, True),
        ({"matchLabels": {"a": "x"}}, {"a": "y"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}]}, {"a": "y"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}, {"a": "x"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
        ({"matchLabels": {"a": "x"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, {"a": "x"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Maybe"}]}, {"a": "x"}, False),
    ],
)
def test_a_selector_selects_as_the_api_server_does(selector: Any, labels: dict[str, str], selected: bool) -> None:  # noqa: ANN401
    assert matches(selector, labels) is selected


@given(st.lists(LABELS, max_size=6), LABELS)
def test_the_index_finds_what_a_walk_over_all_pods_finds(pods: list[dict[str, str]], wanted: dict[str, str]) -> None:
    def pod(i: int, labels: dict[str, str]) -> Object:
        body = {"kind": "Pod", "metadata": {"name": str(i), "namespace": "n", "labels": labels}, "spec": {}}
        return Object("c", "a", "clusters/c/apps/a", body)

    service = Object("c", "a", "l", {"kind": "Service", "metadata": {"namespace": "n"}, "spec": {"selector": wanted}})
    found = index(Estate([*(pod(i, labels) for i, labels in enumerate(pods)), service]))
    assert [each.labels for each in found.selected("c", "n", {"matchLabels": wanted})] == [
        labels for labels in pods if matches({"matchLabels": wanted}, labels)
    ]
    assert [each.labels for each in found.behind(service)] == [labels for labels in pods if equal(wanted, labels)]
    assert not found.selected("c", "other", {"matchLabels": wanted})


def test_a_service_without_a_selector_selects_nothing() -> None:
    assert not equal({}, {"a": "x"})
    assert not equal(None, {"a": "x"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15s", 15),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1m1s1ms", 61.001),
        ("", None),
        ("15", None),
        (15, None),
        ("-1s", None),
    ],
)
def test_durations(text: object, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "query",
    [
        "sum by (le) (rate(x_bucket[5m]))",
        'up{job="$job", zone=~"${zone:regex}"}',
        "rate(x[$__rate_interval])",
        "rate(x[${window}])",
        "rate(x[{{args.window}}])",
        'sum(x{service="{{ args.service }}"}) > {{args.limit}}',
        "rate(x[5m:$__interval])",
    ],
)
def test_queries_with_variables_parse(query: str) -> None:
    assert fault(query) == ""


@pytest.mark.parametrize("query", ["", "sum(", "rate(x)", "nope(x)", 'x{a="b}', "x y", "rate(x[$window)"])
def test_broken_queries_do_not(query: str) -> None:
    assert fault(query)


def test_values_walks_lists_and_keeps_places() -> None:
    found = {"a": [{"b": 1}, {"c": 2}, {"b": None}, {"b": 3}]}
    assert list(values(found, ("a", "*", "b"))) == [(("a", 0, "b"), 1), (("a", 3, "b"), 3)]
    assert not list(values({"a": "text"}, ("a", "*")))
    assert not list(values([], ("a",)))


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)))
def test_no_shape_of_a_manifest_makes_the_index_fail(odd: Any) -> None:  # noqa: ANN401
    body = {"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": {"metadata": odd, "spec": odd}}}
    estate = Estate([Object("c", "a", "clusters/c/apps/a", body)])
    assert len(index(estate).pods) == 0
