"""The end: `down` leaves the machine as it was before `up`."""

from __future__ import annotations

from e2e import machine_state
from e2e.machine_state import State
from e2e.shop import Shop

from onair.adapters.local import cgroups
from onair.core.paths import Paths


def test_down_leaves_nothing(before: State, shop: Shop, disposable: None) -> None:
    assert cgroups.processes(), "nothing runs: this would prove nothing"
    done = shop.onair("down")
    assert done.code == 0, done.output
    changes = machine_state.changes(before, machine_state.take(Paths.of()))
    assert not changes, "\n".join(changes)
    assert shop.local.paths.cache.is_dir(), "the cache is to stay"
    told = shop.onair("status")
    assert told.code == 1
    assert "make up" in told.output
    again = shop.onair("down")
    assert again.code == 0, f"a second down fails: {again.output}"
