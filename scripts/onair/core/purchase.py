"""The scenario of somebody who buys one piece: hold it, think, order it, and follow the order until it is decided.

As the shop's own page does it: one key a request, and a lost answer is asked for again with the same key and body. This
viewer is more stubborn than a browser: it asks in turns in both regions, and what was carried out and what was not must
come to the same end wherever it is asked again.
"""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from onair.core.scenario import Ending, Reply, Visit

PATHS = {"hold": "/api/order/holds", "order": "/api/order/orders"}
FINAL = frozenset({"paid", "declined", "cancelled", "refunded"})
"""States in which an order stays, as far as its viewer is concerned."""
REFUSED = {409: "sold-out", 410: "over"}
"""Plain endings: no stock left; the sale is closed, or the hold has expired."""
UNDECIDED = "undecided"
FIRST_LOOK, LATER, SLOWEST_LOOK = 0.3, 1.4, 2.5
"""How the shop's page looks after an order: seconds to the first look, factor to the next one, longest pause."""
FIRST_RETRY, SLOWEST_RETRY = 0.4, 20.0
"""Doubling pauses, full jitter. With a cap of 3 s a thousand buyers, who ask every other second, keep a shop
that stumbled from getting up again (seen).
"""
LONGEST_HANG_UP = 0.06
"""Seconds after which an impatient viewer is gone at the latest: before, while and after the server works on it."""

Token = Literal["tok-ok", "tok-decline", "tok-timeout", "tok-twice", "tok-lost"]


class Habits(BaseModel):
    """How viewers behave; shares of all purchases, or of all requests for ``loses``.

    Attributes
    ----------
    leaves
        Hold a piece and never order it.
    declined, times_out, told_twice, never_heard
        Cards that are declined, charged without an answer, called back twice, and never reach the provider.
    loses
        Requests whose answer the viewer loses: half of them by hanging up early, half by not reading what came.
    thinks
        Mean pause between hold and order, seconds.
    bound
        Seconds after which the viewer no longer asks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    leaves: float = Field(0.02, ge=0, le=1)
    declined: float = Field(0.10, ge=0, le=1)
    times_out: float = Field(0.03, ge=0, le=1)
    told_twice: float = Field(0.03, ge=0, le=1)
    never_heard: float = Field(0.005, ge=0, le=1)
    loses: float = Field(0.04, ge=0, le=1)
    thinks: float = Field(0.5, ge=0, le=60)
    bound: float = Field(90.0, gt=0, le=600)

    def token(self, draw: random.Random) -> Token:
        """Draw the card that a viewer pays with."""
        others: dict[Token, float] = {
            "tok-decline": self.declined,
            "tok-timeout": self.times_out,
            "tok-twice": self.told_twice,
            "tok-lost": self.never_heard,
        }
        rest = max(0.0, 1 - sum(others.values()))
        return draw.choices(["tok-ok", *others], [rest, *others.values()])[0]


@dataclass(frozen=True)
class Shopper:
    """A viewer with a session of the shop, at home in one region (the name of a target)."""

    region: str
    cookie: str
    csrf: str


@dataclass(frozen=True)
class Offer:
    """What is to be bought."""

    sale: str
    sku: str


@dataclass
class Attempt:
    """One viewer's own log of one purchase: the keys that were used, and all that the shop told.

    Attributes
    ----------
    accepted
        The shop took the order: 202, whatever state it was in.
    told
        States of the order, as they were told one after the other.
    lost, elsewhere
        Answers that did not arrive; questions that went to the other region.
    """

    number: int
    region: str
    sale: str
    hold: str
    order: str = ""
    token: str = ""
    held: bool = False
    accepted: bool = False
    told: list[str] = field(default_factory=list)
    lost: int = 0
    elsewhere: int = 0
    outcome: str = "unfinished"

    def hear(self, reply: Reply) -> None:
        """Note the state that an answer tells, if it tells any."""
        state = reply.json().get("state") if reply.status in {200, 202} else None
        if state is not None and (not self.told or self.told[-1] != state):
            self.told.append(str(state))


class Purchase:
    """The scenario; keeps the log of every attempt.

    Parameters
    ----------
    shoppers
        Sessions, used by turns.
    offer
        What the arrival of this number wants.
    """

    def __init__(self, shoppers: Sequence[Shopper], offer: Callable[[int], Offer], habits: Habits) -> None:
        self._shoppers, self._offer, self._habits = shoppers, offer, habits
        self._regions = sorted({shopper.region for shopper in shoppers})
        self.log: list[Attempt] = []

    async def play(self, visit: Visit) -> Ending:
        """Buy once."""
        shopper, offer = self._shoppers[visit.number % len(self._shoppers)], self._offer(visit.number)
        attempt = Attempt(visit.number, shopper.region, offer.sale, new_key(shopper.region))
        self.log.append(attempt)
        ending = await Buyer(visit, shopper, attempt, self._habits, self._regions).buy(offer)
        attempt.outcome = ending.outcome
        return ending


class Buyer:
    """One viewer at one purchase.

    Parameters
    ----------
    regions
        Where this viewer asks, besides the one that the session is at home in.
    """

    def __init__(
        self, visit: Visit, shopper: Shopper, attempt: Attempt, habits: Habits, regions: Sequence[str]
    ) -> None:
        self._visit, self._shopper, self._attempt, self._habits = visit, shopper, attempt, habits
        self._regions = [shopper.region, *(region for region in regions if region != shopper.region)]

    async def buy(self, offer: Offer) -> Ending:
        """Hold a piece, order it, and follow the order to its end; the attempt keeps what was told."""
        habits, draw, attempt = self._habits, self._visit.random, self._attempt
        held = await self._insist("hold", attempt.hold, {"sale": offer.sale, "sku": offer.sku, "quantity": 1})
        if held is None or held.status != 201:
            return _refusal(held)
        attempt.held = True
        if draw.random() < habits.leaves:
            return Ending("left")
        await self._visit.pause(draw.expovariate(1 / habits.thinks) if habits.thinks else 0.0)
        attempt.order, attempt.token = new_key(attempt.region), habits.token(draw)
        payment = {"hold": attempt.hold, "payment": {"token": attempt.token}}
        placed = await self._insist("order", attempt.order, payment)
        if placed is None or placed.status != 202:
            return _refusal(placed)
        attempt.accepted = True
        attempt.hear(placed)
        return await self._follow()

    async def _insist(self, step: str, key: str, body: object) -> Reply | None:
        """Ask until there is an answer, in turns here and in the other region; None when the bound is reached first.

        A hold is "pending" (202) where its home region is away, and remembered by nobody; an order is remembered.
        """
        for tries, region in enumerate(itertools.cycle(self._regions)):
            elsewhere = region != self._attempt.region
            self._attempt.elsewhere += elsewhere
            name = step + ("" if not tries else " again elsewhere" if elsewhere else " again")
            reply = await self._post(name, region, PATHS[step], key, body)
            if not reply.lost and not (step == "hold" and reply.status == 202):
                return reply
            self._attempt.lost += reply.lost
            if self._visit.elapsed > self._habits.bound:
                break
            await self._visit.pause(self._visit.random.uniform(0, min(SLOWEST_RETRY, FIRST_RETRY * 2**tries)))
        return None

    async def _post(self, step: str, region: str, path: str, key: str, body: object) -> Reply:
        """Send once; the viewer may lose the answer."""
        headers = {
            "cookie": self._shopper.cookie,
            "x-csrf-token": self._shopper.csrf,
            "idempotency-key": key,
            "content-type": "application/json",
        }
        half, chance = self._habits.loses / 2, self._visit.random.random()
        patience = self._visit.random.uniform(0, LONGEST_HANG_UP) if chance < half else None
        reply = await self._visit.ask(step, region, "POST", path, headers=headers, body=body, patience=patience)
        return Reply("dropped") if half <= chance < 2 * half else reply

    async def _follow(self) -> Ending:
        """Look after the order until it is decided; where it is not known, look in the other region next."""
        visit, attempt, pause = self._visit, self._attempt, FIRST_LOOK
        regions = itertools.cycle(self._regions)
        region = next(regions)
        while not attempt.told or attempt.told[-1] not in FINAL:
            if visit.elapsed > self._habits.bound:
                return Ending(UNDECIDED, ok=False)
            await visit.pause(pause)
            headers = {"cookie": self._shopper.cookie}
            reply = await visit.ask("look", region, "GET", f"{PATHS['order']}/{attempt.order}", headers=headers)
            attempt.hear(reply)
            pause = min(SLOWEST_RETRY if reply.lost else SLOWEST_LOOK, pause * LATER)
            if reply.status != 200:
                region = next(regions)
        return Ending(attempt.told[-1])


def new_key(region: str) -> str:
    """Return an idempotency key at home in a region: ``<region>-<version 4 UUID in hex>``; never drawn from a seed."""
    return f"{region}-{uuid.uuid4().hex}"


def _refusal(reply: Reply | None) -> Ending:
    if reply is None:
        return Ending(UNDECIDED, ok=False)
    plain = REFUSED.get(reply.status)
    return (
        Ending(plain) if plain else Ending(f"refused {reply.status} {reply.json().get('code', '')}".strip(), ok=False)
    )
