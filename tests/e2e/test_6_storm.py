"""The small storm: pods of order and worker die and the inter-region link is cut while both regions sell out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from e2e.shop import Shop

from onair.adapters.local import network
from onair.core.storm.plan import SHORT
from onair.core.storm.result import StormResult

INVARIANTS = ("oversold", "charged twice", "accepted orders missing", "units unaccounted", "open still")


def test_nothing_is_sold_twice_charged_twice_or_lost(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "storm.json"
    done = shop.onair("storm", "--short", "--json", str(file))
    assert done.code == 0, done.output
    last = done.output.strip().splitlines()[-1]
    assert last.startswith("storm: "), last
    for name in INVARIANTS:
        assert re.search(rf"\b{name} 0\b", last), last
    result = StormResult.model_validate(json.loads(file.read_text()))
    assert result.arrivals.due == SHORT.attempts
    assert result.attempts > SHORT.attempts * 0.9, "the client itself was too late for too many"
    kills = [fault for fault in result.faults if fault.what.startswith("kill a pod of order")]
    assert {fault.what.rpartition(" ")[2] for fault in kills} == set(shop.clusters)
    assert result.totals.paid > SHORT.items / 2
    assert result.totals.lost > 0
    assert all(network.is_up(link) for link in shop.local.topology.links)
    shop.settled()


def test_a_second_rehearsal_is_refused_while_one_runs(shop: Shop) -> None:
    with shop.start("storm", "--short") as first:
        for line in shop.lines(first):
            if "come in" in line:
                second = shop.onair("storm", "--short")
                assert second.code == 2
                assert "another rehearsal is under way" in second.output
                first.terminate()
                break
        rest = "".join(shop.lines(first))
        assert first.wait(120) == 130, rest
    assert all(network.is_up(link) for link in shop.local.topology.links)
    shop.settled()
