"""How viewers behave, and one run of them."""

from __future__ import annotations

import random
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from onair.core.load import MAX_RATE
from onair.core.load_result import Measured
from onair.core.purchase import Attempt
from onair.core.scenario import ScenarioPlan, ScenarioResult

Activity = Literal["browse", "watch", "chat", "buy"]
Region = Literal["kr", "us"]
ACTIVITIES: tuple[Activity, ...] = ("browse", "watch", "chat", "buy")
"""What viewers notice: pages, segments that come in time, messages that are taken, purchases. The requests behind
them are steps of their own (``playlist``, ``segment``, ``socket``, ``hold`` …)."""
REGIONS: tuple[Region, ...] = ("kr", "us")
LONGEST_STAY, SHORTEST_STAY = 90.0, 2.0


class Habits(BaseModel):
    """How viewers behave; times in seconds.

    Attributes
    ----------
    stays
        Mean time on the show's page.
    thinks
        Mean time on the page before, and before a purchase.
    talks
        Mean time between two messages of one viewer.
    buys
        Share of viewers who buy a piece.
    patience
        How long a viewer waits for a message to be taken.
    bound
        How long a viewer follows a purchase.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stays: Annotated[float, Field(gt=0, le=LONGEST_STAY)] = 20.0
    thinks: Annotated[float, Field(ge=0, le=60)] = 1.0
    talks: Annotated[float, Field(ge=1, le=600)] = 8.0
    buys: Annotated[float, Field(ge=0, le=1)] = 0.3
    patience: Annotated[float, Field(gt=0, le=60)] = 10.0
    bound: Annotated[float, Field(gt=0, le=600)] = 30.0

    def stay(self, draw: random.Random) -> float:
        """Draw how long a viewer stays."""
        return min(LONGEST_STAY, max(SHORTEST_STAY, drawn(draw, self.stays)))


class ViewersPlan(ScenarioPlan):
    """Sessions that begin at a rate, each a viewer near one region.

    Attributes
    ----------
    rate, arrivals, viewers
        Of sessions; browsers in use by turns.
    geo
        Where the viewers are.
    show
        What they came for.
    """

    rate: Annotated[float, Field(gt=0, le=MAX_RATE)] = 0.5
    arrivals: Literal["constant", "poisson"] = "poisson"
    viewers: Annotated[int, Field(ge=1, le=500)] = 60
    geo: Region
    show: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    habits: Habits = Habits()

    @classmethod
    def at(cls, url: str, **fields: Any) -> Self:
        """Return a plan for the platform at this address: whichever region serves, that is where it is asked.

        Raises
        ------
        ValueError
            With what is wrong with the fields.
        """
        return cls(targets=dict.fromkeys(REGIONS, url.rstrip("/")), **fields)

    @property
    def url(self) -> str:
        """The platform's address."""
        return self.targets[self.geo]

    def argv(self) -> list[str]:
        """Return the arguments of ``onair viewers`` that make the same plan."""
        names = {"ca_certificate": "cacert"}  # the others are called as the plan's fields are
        words = [self.url]
        for name in sorted(self.model_fields_set - {"targets", "habits"}):
            if (value := getattr(self, name)) is not None:
                words += [f"--{names.get(name, name).replace('_', '-')}", str(value)]
        for name in sorted(self.habits.model_fields_set):
            words += [f"--{name}", str(getattr(self.habits, name))]
        return words


class ViewersResult(BaseModel):
    """What viewers met, and what they bought."""

    model_config = ConfigDict(extra="forbid")

    plan: ViewersPlan
    sessions: Measured
    steps: dict[str, Measured]
    purchases: list[Attempt]

    @classmethod
    def of(cls, plan: ViewersPlan, played: ScenarioResult, purchases: list[Attempt]) -> ViewersResult:
        """Put it together."""
        return cls(plan=plan, sessions=played.arrivals, steps=played.steps, purchases=purchases)

    @property
    def activities(self) -> dict[Activity, Measured]:
        """What viewers noticed, by activity; one that nobody came to is left out."""
        return {name: self.steps[name] for name in ACTIVITIES if name in self.steps}


def drawn(draw: random.Random, mean: float) -> float:
    """Draw a time whose mean is given."""
    return draw.expovariate(1 / mean) if mean else 0.0
