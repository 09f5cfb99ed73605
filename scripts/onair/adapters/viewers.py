"""``onair viewers``: sessions of viewers on the engine of ``onair load``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from onair.adapters.load_client import Network
from onair.adapters.load_engine import OnTick
from onair.adapters.load_scenario import run_scenario
from onair.core.viewer.plan import ViewersPlan, ViewersResult
from onair.core.viewer.session import Session


def run_viewers(
    plan: ViewersPlan,
    on_tick: OnTick | None = None,
    *,
    networks: Sequence[Network] = (),
    stop: threading.Event | None = None,
    on_start: Callable[[], None] | None = None,
) -> ViewersResult:
    """Let viewers come in until the plan ends; see `onair.adapters.load_http.run_load` for the parameters.

    Raises
    ------
    OnairError
        If the target does not resolve or lies outside ``networks``, or the authority's file cannot be read.
    """
    session = Session(plan.geo, plan.show, plan.habits, plan.targets)
    played = run_scenario(plan, session, on_tick, networks=networks, stop=stop, on_start=on_start)
    return ViewersResult.of(plan, played, session.purchases)
