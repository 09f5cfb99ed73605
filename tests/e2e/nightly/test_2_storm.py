"""A second storm waits its turn, and an interrupted one heals and counts."""

from __future__ import annotations

import signal

from e2e.shop import Shop
from e2e.test_6_storm import counts

from onair.adapters.local import network

REST_SECONDS = 300.0
"""For what an interrupted storm still does on a busy machine: settle, and count."""


def test_only_one_at_a_time_and_ctrl_c_heals_and_counts(shop: Shop) -> None:
    told = ""
    with shop.start("storm", "--short") as storm:
        for line in shop.lines(storm):
            told += line
            if "viewers come in" in line and "another" not in told:
                second = shop.onair("storm", "--short")
                told += second.output
                assert second.code == 2, second.output
                assert "another rehearsal is under way" in second.output
            if "cut the link" in line:
                storm.send_signal(signal.SIGINT)
                break
        rest = "".join(shop.lines(storm))
        assert storm.wait(REST_SECONDS) == 130, told + rest
    counts(rest)
    assert all(network.is_up(link) for link in shop.local.topology.links)
    shop.settled()
