"""What a storm found, ready to be written down or drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from onair.core.load_result import Measured
from onair.core.purchase import Attempt
from onair.core.storm.plan import StormPlan
from onair.core.storm.verify import Evidence, Verdict


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultRecord(_Model):
    """A fault that was injected, ``at`` so many seconds after the first purchase was due."""

    at: float
    what: str
    outcome: str
    ok: bool = True


class Totals(_Model):
    """What came of it, by the books and by the buyers' logs.

    Attributes
    ----------
    issued, paid, held
        Units: of all sales, of paid orders, and set aside for holds whose time is not over yet.
    lost, elsewhere
        Answers that buyers lost, and questions that they put to the other region.
    forwarded
        Orders that a region took for the other one while that was away.
    moved
        Units that changed regions, besides those that were sent there when a sale opened.
    orders
        By state.
    """

    issued: int
    paid: int
    held: int
    lost: int
    elsewhere: int
    forwarded: int
    moved: int
    orders: dict[str, int]


class StormResult(_Model):
    """A storm that is over; times in seconds.

    Attributes
    ----------
    attempts
        Purchases that began.
    settled
        How long the workers took at the end; None when something was open still.
    """

    plan: StormPlan
    prefix: str
    started_at: float
    arrivals: Measured
    steps: dict[str, Measured]
    faults: list[FaultRecord]
    totals: Totals
    verdict: Verdict
    settled: float | None
    interrupted: bool

    @property
    def attempts(self) -> int:
        """Purchases that began."""
        return self.arrivals.sent

    @property
    def good(self) -> bool:
        """Whether every invariant held in a storm that came as planned, faults and all."""
        came = not self.interrupted and self.attempts > 0 and all(fault.ok for fault in self.faults)
        return came and self.verdict.kept

    @property
    def counts(self) -> str:
        """The last line: what was tried, and every invariant's count."""
        rate = self.attempts / self.arrivals.elapsed if self.arrivals.elapsed else 0.0
        told = ", ".join(f"{name} {count:,}" for name, count in self.verdict.counts.items())
        return f"storm: {self.attempts:,} attempts at {rate:.0f}/s on {self.totals.issued:,} items: {told}"


def totals(evidence: Evidence) -> Totals:
    """Sum the evidence up."""
    orders = Counter(order.state for order in evidence.order.values())
    books = evidence.books.values()
    moved = sum(
        row.quantity for b in books for row in b.transfers if (row.direction, row.state) == ("incoming", "received")
    )
    sent = sum(units for sale in evidence.sales for region, units in sale.quantity.items() if region != sale.home)
    return Totals(
        issued=sum(sale.issued for sale in evidence.sales),
        paid=sum(order.quantity for order in evidence.order.values() if order.state == "paid"),
        held=sum(hold.quantity for hold in evidence.holds.values() if hold.state == "held"),
        lost=_sum(evidence.log, "lost"),
        elsewhere=_sum(evidence.log, "elsewhere"),
        forwarded=sum(len(b.forwarded) for b in books),
        moved=moved - sent,
        orders=dict(sorted(orders.items())),
    )


def _sum(log: Sequence[Attempt], name: str) -> int:
    return sum(int(getattr(attempt, name)) for attempt in log)
