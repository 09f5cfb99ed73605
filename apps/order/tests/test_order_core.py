from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order import keys, machine, payment
from order.rebalance import Demand, spread, surplus


@pytest.mark.parametrize(
    ("key", "home"),
    [
        ("kr-00000000000040008000000000000000", "kr"),
        ("us-123456789abc4def89ab0123456789ab", "us"),
        ("kr-00000000000010008000000000000000", None),
        ("KR-00000000000040008000000000000000", None),
        ("kr-00000000000040008000000000000000\n", None),
        ("", None),
    ],
)
def test_keys_carry_their_home(key: str, home: str | None) -> None:
    assert keys.home_of(key) == home


def test_new_keys_are_keys() -> None:
    assert keys.home_of(keys.new("kr")) == "kr"
    assert keys.new("kr") != keys.new("kr")


def test_a_fingerprint_is_of_the_content_not_of_its_order() -> None:
    assert keys.fingerprint("v", {"a": 1, "b": 2}) == keys.fingerprint("v", {"b": 2, "a": 1})
    assert keys.fingerprint("v", {"a": 1}) != keys.fingerprint("w", {"a": 1})
    assert keys.fingerprint("\ud800") != keys.fingerprint("")


def test_the_providers_word_counts_once() -> None:
    assert machine.after("paying", "charged") == "paid"
    assert machine.after("paying", "declined") == "declined"
    assert machine.after("cancelled", "charged") == "refunded"
    for state in ("paid", "declined", "refunded"):
        assert machine.after(state, "charged") is None
    for state in machine.CHANGES:
        for outcome in ("charged", "declined"):
            following = machine.after(state, outcome)
            assert following is None or following in machine.CHANGES[state]


def test_only_who_signed_lately_is_believed() -> None:
    header = payment.sign("secret", b"{}", 1000)
    assert payment.signed("secret", b"{}", header, now=1300)
    assert not payment.signed("secret", b"{}", header, now=1301)
    assert not payment.signed("secret", b"{ }", header, now=1000)
    assert not payment.signed("other", b"{}", header, now=1000)
    for forged in ("", "t=1000", header.upper(), header + "0", "t=1000,v1=" + "0" * 64):
        assert not payment.signed("secret", b"{}", forged, now=1000)


demands = st.builds(Demand, st.integers(0, 10_000), st.integers(0, 10_000))


@given(demands, demands)
def test_rebalancing_sends_what_is_there_and_never_to_and_fro(own: Demand, peer: Demand) -> None:
    units = surplus(own, peer)
    assert 0 <= units <= own.left
    if units:
        assert surplus(peer, own) == 0, "both regions send"
        after_own, after_peer = Demand(own.left - units, own.asked), Demand(peer.left + units, peer.asked)
        assert surplus(after_own, after_peer) == 0, "what was sent is not enough"
        assert surplus(after_peer, after_own) == 0, "what was sent comes back"


def test_a_region_that_ran_out_is_helped() -> None:
    assert surplus(Demand(100, 0), Demand(0, 99)) == 99
    assert surplus(Demand(100, 50), Demand(0, 50)) == 50
    assert surplus(Demand(100, 50), Demand(90, 50)) == 0
    assert surplus(Demand(1, 0), Demand(0, 5)) == 0, "the last unit stays where it is asked for or not"


@given(st.integers(0, 10_000), st.integers(1, 64))
def test_spread_keeps_the_total(total: int, buckets: int) -> None:
    parts = spread(total, buckets)
    assert (len(parts), sum(parts)) == (buckets, total)
    assert max(parts) - min(parts) <= 1
