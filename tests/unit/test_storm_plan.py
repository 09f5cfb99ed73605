"""When a storm's sales and faults come: pure, for every plan that is allowed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from onair.core.storm.plan import SHORT, StormPlan, sales, timeline

CLUSTERS = ["local-kr", "local-us"]


@st.composite
def plans(draw: st.DrawFn) -> StormPlan:
    fields = {
        "attempts": draw(st.integers(1, 5_000)),
        "items": draw(st.integers(1, 2_000)),
        "sales": draw(st.integers(1, 50)),
        "rate": draw(st.floats(1, 500)),
        "kills": draw(st.integers(0, 40)),
        "cuts": draw(st.integers(0, 20)),
        "cut_seconds": draw(st.floats(0.5, 30)),
        "seed": draw(st.integers(0, 99)),
    }
    try:
        return StormPlan.model_validate(fields)
    except ValidationError:
        assume(False)
        raise


@given(plans())
def test_stock_is_split_to_the_last_unit_and_nobody_has_less_than_none(plan: StormPlan) -> None:
    found = sales(plan, ["kr", "us"], "storm-1", "TEA-40")
    assert sum(sale.issued for sale in found) == plan.items
    assert all(units >= 0 for sale in found for units in sale.quantity.values())
    assert all(sale.issued > 0 for sale in found)
    assert len({sale.offer.sale for sale in found}) == plan.sales
    assert {plan.sale_of(n) for n in range(plan.attempts)} == set(range(plan.sales)), "a sale that nobody wants"


@given(plans())
def test_each_cut_is_healed_before_the_next_one(plan: StormPlan) -> None:
    faults = timeline(plan, CLUSTERS)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert [f.kind for f in faults if f.kind != "kill"] == ["cut", "heal"] * plan.cuts
    kills = [f for f in faults if f.kind == "kill"]
    assert len(kills) == plan.kills
    assert {(k.service, k.cluster) for k in kills} <= {(s, c) for s in ("order", "worker") for c in CLUSTERS}
    assert all(0 <= fault.at <= plan.seconds for fault in faults)


@given(plans())
def test_faults_come_while_a_sale_is_young(plan: StormPlan) -> None:
    begins = [plan.begins(n) for n in range(plan.sales)]
    for fault in timeline(plan, CLUSTERS):
        if fault.kind != "heal":
            assert any(0 <= fault.at - begin <= plan.rush for begin in begins)


def test_the_same_seed_is_the_same_storm() -> None:
    assert timeline(SHORT, CLUSTERS) == timeline(SHORT, CLUSTERS)
    assert timeline(SHORT, CLUSTERS) != timeline(SHORT.model_copy(update={"seed": 2}), CLUSTERS)


def test_the_whole_storm_is_what_was_asked_for() -> None:
    plan = StormPlan()
    assert (plan.attempts, plan.items) == (100_000, 5_000)
    kills = [(f.service, f.cluster) for f in timeline(plan, CLUSTERS) if f.kind == "kill"]
    assert {cluster for service, cluster in kills if service == "order"} == set(CLUSTERS)
    assert SHORT.seconds <= 45


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"attempts": 0}, "greater than or equal to 1"),
        ({"attempts": 200_001}, "less than or equal to 200000"),
        ({"attempts": 100_000, "rate": 1}, "last longer than 3600 s"),
        ({"items": 5, "sales": 6}, "some have none"),
        ({"cuts": 5, "sales": 4}, "at most one a sale"),
        ({"cuts": 5, "cut_seconds": 120, "rate": 500}, "do not fit"),
        ({"habits": {"leaves": 1.5}}, "less than or equal to 1"),
        ({"pods": 3}, "Extra inputs"),
    ],
)
def test_a_plan_out_of_bounds_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        StormPlan.model_validate(fields)
