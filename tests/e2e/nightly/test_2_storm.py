"""The small storm: pods of order and worker die and the inter-region link is cut while both regions sell out.

A second one waits its turn, and an interrupted one heals and counts.
"""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

from e2e.shop import Shop

from onair.adapters.local import network
from onair.core.storm.plan import SHORT
from onair.core.storm.result import StormResult

REST_SECONDS = 300.0
"""For what an interrupted storm still does on a busy machine: settle, and count."""
INVARIANTS = ("oversold", "charged twice", "accepted orders missing", "units unaccounted")


def counts(output: str) -> str:
    """Return the last line of a storm, which must say that nothing is wrong."""
    last = output.strip().splitlines()[-1]
    assert last.startswith("storm: "), output
    for name in INVARIANTS:
        assert re.search(rf"\b{name} 0\b", last), last
    return last


def test_nothing_is_sold_twice_charged_twice_or_lost(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "storm.json"
    done = shop.onair("storm", "--short", "--json", str(file))
    assert done.code == 0, done.output
    assert "open still 0" in counts(done.output)
    result = StormResult.model_validate(json.loads(file.read_text(encoding="utf-8")))
    assert result.arrivals.due == SHORT.attempts
    assert result.attempts > SHORT.attempts * 0.9, "the client itself was too late for too many"
    kills = [fault for fault in result.faults if fault.what.startswith("kill a pod of order")]
    assert {fault.what.rpartition(" ")[2] for fault in kills} == set(shop.clusters)
    assert "cut the link" in {fault.what for fault in result.faults}
    assert result.totals.paid > SHORT.items / 2
    assert result.totals.lost > 0
    assert all(network.is_up(link) for link in shop.local.topology.links)
    shop.settled()


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
