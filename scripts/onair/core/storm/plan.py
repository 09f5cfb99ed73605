"""What a storm does and when: sales that open one after another, and faults aimed at their busiest moments."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onair.core.load import MAX_RATE, MAX_SECONDS
from onair.core.purchase import Habits, Offer

SHARES = (0.5, 0.8, 0.2)
"""Parts of a sale's stock that its home region gets, by turns: the uneven ones make the workers move stock."""
KILLED = ("order", "order", "worker")
"""Services whose pods are killed, by turns; each in every region before the next."""
RUSH_SECONDS = 2.0
"""A fault comes within so long after a sale begins: its stock is taken and paid then."""

Kind = Literal["kill", "cut", "heal"]


class StormPlan(BaseModel):
    """One storm; times in seconds.

    Attributes
    ----------
    attempts, rate
        Purchases that are tried, and how many begin a second.
    items, sales
        Units for sale in all, over this many sales; each has its part of the attempts, one sale after the other.
    kills
        Pods that are killed.
    cuts, cut_seconds
        How often the inter-region link is cut, and for how long.
    viewers
        Sessions of the shop, half of them in each region.
    settle
        How long the workers may take at the end until nothing is open any more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: Annotated[int, Field(ge=1, le=200_000)] = 100_000
    items: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    sales: Annotated[int, Field(ge=1, le=50)] = 20
    rate: Annotated[float, Field(gt=0, le=MAX_RATE)] = 80.0
    kills: Annotated[int, Field(ge=0, le=100)] = 24
    cuts: Annotated[int, Field(ge=0, le=20)] = 5
    cut_seconds: Annotated[float, Field(gt=0, le=120)] = 15.0
    viewers: Annotated[int, Field(ge=2, le=2_000)] = 400
    settle: Annotated[float, Field(ge=1, le=900)] = 300.0
    seed: int = 1
    habits: Habits = Habits()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.seconds > MAX_SECONDS:
            raise ValueError(f"{self.attempts:,} attempts at {self.rate:g}/s last longer than {MAX_SECONDS:g} s")
        if self.sales > min(self.items, self.attempts):
            raise ValueError(f"{self.sales} sales of {self.items} items in {self.attempts} attempts: some have none")
        if self.cuts > self.sales:
            raise ValueError(f"{self.cuts} cuts: at most one a sale, of which there are {self.sales}")
        if self.cuts and self.cut_seconds + self.rush > self.seconds / self.sales * (self.sales // self.cuts):
            raise ValueError(f"{self.cuts} cuts of {self.cut_seconds:g} s do not fit into {self.seconds:.0f} s")
        return self

    @property
    def seconds(self) -> float:
        """How long purchases begin."""
        return self.attempts / self.rate

    @property
    def rush(self) -> float:
        """How long after a sale's begin its faults come at the latest."""
        return min(RUSH_SECONDS, self.seconds / self.sales)

    def begins(self, sale: int) -> float:
        """Return when the purchases of this sale (from 0) begin."""
        return sale * self.seconds / self.sales

    def sale_of(self, attempt: int) -> int:
        """Return which sale this attempt (from 0) is for."""
        return min(self.sales - 1, attempt * self.sales // self.attempts)


SHORT = StormPlan(
    attempts=1_200,
    items=120,
    sales=3,
    rate=40.0,
    kills=6,
    cuts=1,
    cut_seconds=8.0,
    viewers=40,
    settle=40.0,
    # An order that the provider never heard of is given up after two minutes: no time for that here.
    habits=Habits(never_heard=0.0, bound=40.0),
)
"""The small storm that every change goes through: half a minute of purchases."""


@dataclass(frozen=True)
class Sale:
    """A sale as it is opened: at its home, with units for each region."""

    offer: Offer
    home: str
    quantity: dict[str, int]

    @property
    def issued(self) -> int:
        """Units in all."""
        return sum(self.quantity.values())


@dataclass(frozen=True, order=True)
class Fault:
    """Something that is done to the platform ``at`` so many seconds after the first purchase was due."""

    at: float
    kind: Kind
    cluster: str = ""
    service: str = ""

    def __str__(self) -> str:
        return f"kill a pod of {self.service} in {self.cluster}" if self.kind == "kill" else f"{self.kind} the link"


def sales(plan: StormPlan, regions: Sequence[str], prefix: str, sku: str) -> list[Sale]:
    """Return the sales, their ids beginning with ``prefix``: homes by turns, stock split in all manners."""
    found = []
    for number in range(plan.sales):
        units = plan.items * (number + 1) // plan.sales - plan.items * number // plan.sales
        home = regions[number % len(regions)]
        others = [region for region in regions if region != home]
        own = round(units * SHARES[number % len(SHARES)]) if others else units
        quantity = {home: own}
        for place, other in enumerate(others):
            quantity[other] = (units - own) * (place + 1) // len(others) - (units - own) * place // len(others)
        found.append(Sale(Offer(f"{prefix}-{number:02d}", sku), home, quantity))
    return found


def timeline(plan: StormPlan, clusters: Sequence[str]) -> list[Fault]:
    """Return the faults in the order of their time; every cut is healed before the next one, and at the end."""
    draw = random.Random(plan.seed)  # noqa: S311  a repeatable storm, no secret
    faults = []
    for number in range(plan.kills):
        at = plan.begins(number * plan.sales // plan.kills) + draw.uniform(0, plan.rush)
        service = KILLED[number // len(clusters) % len(KILLED)]
        faults.append(Fault(at, "kill", clusters[number % len(clusters)], service))
    for number in range(plan.cuts):
        at = plan.begins(number * plan.sales // plan.cuts) + draw.uniform(0, plan.rush)
        faults += [Fault(at, "cut"), Fault(at + plan.cut_seconds, "heal")]
    return sorted(faults)
