"""One storm from its sales' opening to the count: the order of things, on whatever world it is given."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from onair.adapters.interrupts import noted
from onair.adapters.kubectl import wait
from onair.adapters.load_client import Network
from onair.adapters.load_engine import Tick
from onair.adapters.load_scenario import run_scenario
from onair.adapters.shop import Goods, Seller, Shop, targets
from onair.adapters.storm.books import Bookkeeper
from onair.core.finding import OnairError
from onair.core.progress import Reporter
from onair.core.purchase import Purchase, Shopper
from onair.core.scenario import ScenarioPlan, ScenarioResult
from onair.core.storm.plan import Sale, StormPlan, sales
from onair.core.storm.result import FaultRecord, StormResult, totals
from onair.core.storm.verify import Evidence, verify

OPEN_SECONDS, LOOK_SECONDS = 60.0, 2.0
BROWSERS = 400
MOST_UNDER_WAY = 2_000
REQUEST_SECONDS = 10.0
LATEST_SECONDS = 600.0
"""A storm counts attempts: one that a busy machine sends late is worth more than one that is left out."""
CLOCKS_SECONDS = 5.0
"""How far the databases' clocks may be behind this one's: charges of so long before the storm are looked at too."""


class Trouble(Protocol):
    """Breaks things while purchases run."""

    done: list[FaultRecord]

    def start(self) -> None:
        """Begin to count the time."""
        ...

    def stop(self) -> None:
        """Inject nothing more, and heal what is broken."""
        ...


@dataclass(frozen=True)
class World:
    """What a storm is let loose on: each region's shop and books, a seller, buyers, and goods to sell.

    Attributes
    ----------
    networks
        Where load may go besides loopback.
    """

    shops: Sequence[Shop]
    books: Sequence[Bookkeeper]
    seller: Seller
    shoppers: Sequence[Shopper]
    goods: Goods
    trouble: Trouble
    authority: Path | None = None
    networks: Sequence[Network] = ()


def run(plan: StormPlan, world: World, reporter: Reporter) -> StormResult:
    """Open the sales, let buyers and faults loose on them, wait until all is settled, and count.

    Ctrl-C ends the purchases, not the rest: what they have done is counted. Once more, and it is not waited for that
    all is settled; a third time, and nothing is counted.

    Raises
    ------
    OnairError
        If the sales cannot be opened, or the books not be read: then nothing is known.
    """
    began = time.time()
    prefix = f"storm-{int(began)}"
    opened = sales(plan, sorted(shop.region for shop in world.shops), prefix, world.goods.sku)
    stop, enough = threading.Event(), threading.Event()
    try:
        with reporter.step(f"{plan.items:,} items in {plan.sales} sales"):
            open_sales(world.shops, world.seller, world.goods, opened)
        with noted(stop, enough):
            played, log = _loose(plan, world, opened, reporter, stop)
    finally:
        with noted(stop, enough):
            world.trouble.stop()
            with suppress(OnairError):  # a sale that is not closed ends by itself; the count comes all the same
                for sale in opened:
                    world.seller.close(sale)
    with noted(enough):
        settled = _settle(plan, world, prefix, reporter, enough)
    with reporter.step("count"):
        books = {each.region: each.books(prefix, began - CLOCKS_SECONDS) for each in world.books}
        evidence = Evidence(opened, books, log.log)
        return StormResult(
            plan=plan,
            prefix=prefix,
            started_at=played.arrivals.started_at,
            arrivals=played.arrivals,
            steps=played.steps,
            faults=world.trouble.done,
            totals=totals(evidence),
            verdict=verify(evidence),
            settled=settled,
            interrupted=stop.is_set() or enough.is_set(),
        )


def open_sales(shops: Sequence[Shop], seller: Seller, goods: Goods, opened: Sequence[Sale]) -> None:
    """Open every sale at its home, and wait until every region has it.

    Raises
    ------
    OnairError
        If one cannot be opened, or a region does not learn of it.
    """
    homes = {shop.region: shop for shop in shops}
    for sale in opened:
        seller.at(homes[sale.home]).open(sale, goods)
    wanted = {sale.offer.sale for sale in opened}

    def everywhere() -> bool | str:
        for shop in shops:
            missing = wanted - {sale["sale"] for sale in shop.sales(goods.show)}
            if missing:
                return f"{shop.region} does not know {min(missing)}"
        return True

    wait("every sale known in every region", OPEN_SECONDS, everywhere)


def _loose(
    plan: StormPlan, world: World, opened: Sequence[Sale], reporter: Reporter, stop: threading.Event
) -> tuple[ScenarioResult, Purchase]:
    scenario = Purchase(world.shoppers, lambda number: opened[plan.sale_of(number)].offer, plan.habits)
    arrivals = ScenarioPlan(
        targets=targets(world.shops),
        rate=plan.rate,
        requests=plan.attempts,
        arrivals="poisson",
        seed=plan.seed,
        viewers=min(BROWSERS, len(world.shoppers)),
        timeout=REQUEST_SECONDS,
        ca_certificate=world.authority,
        max_in_flight=MOST_UNDER_WAY,
        max_lag=LATEST_SECONDS,
    )
    with reporter.step(f"purchases at {plan.rate:g}/s", plan.attempts) as step:
        seen = 0

        def tick(tick: Tick) -> None:
            nonlocal seen
            step.advance(tick.due - seen)
            seen = tick.due
            paid = tick.outcomes.get("paid", 0)
            step.note(f"{paid:,} paid, {tick.failed:,} failed, {tick.in_flight} under way, p99 {tick.p99:.0f} ms")

        played = run_scenario(
            arrivals, scenario, tick, networks=world.networks, stop=stop, on_start=world.trouble.start
        )
        step.done(f"{played.arrivals.sent:,} in {played.arrivals.elapsed:.0f} s")
    return played, scenario


def _settle(plan: StormPlan, world: World, prefix: str, reporter: Reporter, enough: threading.Event) -> float | None:
    """Wait until nothing is open in any region; returns how long that took, None when it took too long."""
    began = time.monotonic()
    with reporter.step("settle") as step:
        while True:
            left = {each.region: each.open(prefix) for each in world.books}
            took = time.monotonic() - began
            if not any(each.total for each in left.values()):
                step.done(f"nothing open after {took:.0f} s")
                return took
            step.note("; ".join(f"{region}: {each.model_dump(exclude_defaults=True)}" for region, each in left.items()))
            if took > plan.settle or enough.wait(LOOK_SECONDS):
                return None
