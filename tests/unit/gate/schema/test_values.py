"""Quantities, schedules and ranges, as the API server and the controllers read them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onair.core.gate.schema.values import network, quantity, schedule, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        (2, 2),
        (0.5, Fraction(1, 2)),
        ("250m", Fraction(1, 4)),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        ("1k", 1000),
        ("2e3", 2000),
        ("-1M", -(10**6)),
        (".5", Fraction(1, 2)),
        ("1K", None),
        ("1MB", None),
        ("", None),
        ("1 Mi", None),
        ("1e99999999", None),
        (None, None),
        ([], None),
    ],
)
def test_quantities(text: object, number: object) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize(
    "text",
    ["0 0 * * *", "*/5 * * * *", "0 8-18/2 * * mon-fri", "0 0 1 jan,jul *", "@daily", "@every 1h30m", "0 0 31 2 1"],
)
def test_schedules_that_run(text: str) -> None:
    assert schedule(text) == ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "0 fields"),
        ("* * * * * *", "6 fields"),
        ("60 * * * *", "minute: 60 is outside 0-59"),
        ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * * 7", "day of the week"),
        ("* * * * mondays", "cannot be read"),
        ("*/0 * * * *", "cannot be read"),
        ("5-1 * * * *", "ends before it begins"),
        ("@nightly", "unknown word"),
        ("TZ=Asia/Seoul 0 0 * * *", "spec.timeZone"),
        ("0 0 30 feb *", "never comes"),
        ("0 0 31 4,6 *", "never comes"),
    ],
)
def test_schedules_that_do_not(text: str, part: str) -> None:
    assert part in schedule(text)


@given(st.text(alphabet="*/,-?0123456789 monfeb@", max_size=30))
def test_no_schedule_crashes(text: str) -> None:
    assert isinstance(schedule(text), str)


def test_ranges() -> None:
    assert network("10.0.0.0/8")[1] == ""
    assert network("fd00::/8")[1] == ""
    assert "the range is 10.0.0.0/8" in network("10.1.2.3/8")[1]
    for broken in ("10.0.0.0/33", "ten", "", None):
        found, wrong = network(broken)
        assert found is None
        assert wrong


def test_true_is_no_number() -> None:
    assert whole(True) is None
    assert whole(3) == 3
    assert whole("3") is None
