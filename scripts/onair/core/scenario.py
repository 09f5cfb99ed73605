"""Scenarios: arrivals of several requests each, as somebody with a browser makes them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, model_validator

from onair.core.load import ArrivalPlan, check_address
from onair.core.load_result import Measured


class ScenarioPlan(ArrivalPlan):
    """One run of the load generator in which each arrival plays a scenario.

    Attributes
    ----------
    targets
        Address (scheme, host, port) by the name that the scenario uses for it.
    """

    targets: dict[str, str]

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        if not self.targets:
            raise ValueError("a scenario needs a target")
        for url in self.targets.values():
            check_address(url)
        return self


class ScenarioResult(BaseModel):
    """A finished run: the arrivals by their own outcomes, and every step that they took."""

    model_config = ConfigDict(extra="forbid")

    plan: ScenarioPlan
    arrivals: Measured
    steps: dict[str, Measured]


@dataclass(frozen=True)
class Reply:
    """What came back; ``status`` is 0 when no complete answer did.

    Attributes
    ----------
    region
        Which served it.
    cookies
        What it sets: ``name=value``.
    """

    outcome: str
    status: int = 0
    body: bytes = b""
    region: str = ""
    cookies: tuple[str, ...] = ()

    @property
    def lost(self) -> bool:
        """Whether the asker cannot know what was done: nothing came, or a word of trouble on the way."""
        return self.status == 0 or self.status >= 500

    def json(self) -> dict[str, Any]:
        """Return the body's object; an empty one for anything else (a proxy's own page)."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Ending:
    """How an arrival ended; ``ok`` unless the target failed it."""

    outcome: str
    ok: bool = True


class Socket(Protocol):
    """A WebSocket of JSON objects."""

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        ...

    async def say(self, message: Mapping[str, Any]) -> None:
        """Send one; on a socket that is gone, nothing happens, as in a browser."""
        ...

    async def hear(self, seconds: float) -> dict[str, Any] | None:
        """Return the next one; None when none comes for so long, or none will."""
        ...

    async def close(self) -> None:
        """Say goodbye."""
        ...


class Visit(Protocol):
    """What a scenario may use of the arrival that it plays."""

    number: int
    random: random.Random
    """Seeded by the plan and the number: the same plan draws the same."""

    @property
    def elapsed(self) -> float:
        """Seconds since this arrival was due."""
        ...

    async def ask(
        self,
        step: str,
        target: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: object = None,
        patience: float | None = None,
    ) -> Reply:
        """Send a request, recorded under ``step``; after ``patience`` seconds hang up on it."""
        ...

    async def connect(self, step: str, target: str, path: str, *, headers: Mapping[str, str]) -> Socket | None:
        """Open a WebSocket, its handshake recorded under ``step``; None where it is refused or fails."""
        ...

    def tell(self, step: str, outcome: str, *, since: float, ok: bool, region: str = "") -> None:
        """Record what is no request: it was due ``since`` so many seconds after this arrival, and ended now."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        ...


class Scenario(Protocol):
    """What an arrival does."""

    async def play(self, visit: Visit) -> Ending:
        """Play it once."""
        ...
