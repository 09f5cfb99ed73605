"""The buyer against a shop that answers as each test says: what is asked again, where, and what is believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from onair.core.load import HUNG_UP
from onair.core.purchase import Attempt, Habits, Offer, Purchase, Shopper
from onair.core.scenario import Ending, Reply

PLAIN = Habits(leaves=0, declined=0, times_out=0, told_twice=0, never_heard=0, loses=0, thinks=0, bound=60)
OFFER = Offer("tea", "TEA-40")
Answer = Callable[["Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """One request as the shop sees it; ``number`` counts those of its kind."""

    step: str
    region: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    number: int


@dataclass
class Visit:
    """Time that passes only by pauses."""

    answer: Answer
    number: int = 0
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311
    elapsed: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    async def ask(
        self, step: str, target: str, method: str, path: str, *, headers: Mapping[str, str],
        body: object = None, patience: float | None = None,
    ) -> Reply:  # fmt: skip
        kind = step.partition(" ")[0]
        number = sum(a.step.startswith(kind) for a in self.asked)
        asked = Asked(step, target, method, path, dict(headers), body, number)
        self.asked.append(asked)
        return Reply(HUNG_UP) if patience is not None else self.answer(asked)

    async def pause(self, seconds: float) -> None:
        self.elapsed += max(seconds, 0.01)


def reply(status: int, **body: object) -> Reply:
    return Reply(f"http-{status}", status, json.dumps(body).encode())


def held(_: Asked) -> Reply:
    return reply(201, hold="kr-1")


def play(answers: Mapping[str, Answer], habits: Habits = PLAIN) -> tuple[Ending, Attempt, list[Asked]]:
    visit = Visit(lambda asked: answers[asked.step.partition(" ")[0]](asked))
    purchase = Purchase([Shopper("kr", "c=1", "t"), Shopper("us", "c=2", "u")], lambda _: OFFER, habits)
    ending = asyncio.run(purchase.play(visit))
    assert purchase.log[0].outcome == ending.outcome
    return ending, purchase.log[0], visit.asked


def test_a_piece_is_held_ordered_and_paid() -> None:
    states = ["paying", "paid"]
    ending, attempt, asked = play(
        {
            "hold": held,
            "order": lambda _: reply(202, state="paying"),
            "look": lambda a: reply(200, state=states[a.number]),
        }
    )
    assert (ending, attempt.told) == (Ending("paid"), ["paying", "paid"])
    assert [a.step for a in asked] == ["hold", "order", "look", "look"]
    hold, order = asked[:2]
    assert hold.body == {"sale": "tea", "sku": "TEA-40", "quantity": 1}
    assert order.body == {"hold": attempt.hold, "payment": {"token": "tok-ok"}}
    assert (hold.headers["idempotency-key"], order.headers["idempotency-key"]) == (attempt.hold, attempt.order)
    assert attempt.hold[:3] == attempt.order[:3] == "kr-"
    assert hold.headers["x-csrf-token"] == "t"
    assert asked[2].path.endswith(attempt.order)


@pytest.mark.parametrize(
    "lost", [Reply("reset"), Reply("timeout"), reply(503), reply(502), reply(202, state="pending")]
)
def test_a_lost_hold_is_asked_for_in_turns_with_the_same_key(lost: Reply) -> None:
    _, attempt, asked = play(
        {
            "hold": lambda a: lost if a.number < 3 else held(a),
            "order": lambda _: reply(202, state="paid"),
            "look": lambda _: reply(200, state="paid"),
        }
    )
    holds = [a for a in asked if a.step.startswith("hold")]
    assert [a.region for a in holds] == ["kr", "us", "kr", "us"]
    assert [a.step for a in holds] == ["hold", "hold again elsewhere", "hold again", "hold again elsewhere"]
    assert {a.headers["idempotency-key"] for a in holds} == {attempt.hold}
    assert len({json.dumps(a.body) for a in holds}) == 1
    assert attempt.elsewhere == 2


def test_an_order_that_the_other_region_took_is_followed_in_both() -> None:
    looks = {"us": reply(202, state="pending"), "kr": reply(404)}
    ending, attempt, asked = play(
        {
            "hold": held,
            "order": lambda a: Reply("timeout") if a.region == "kr" else reply(202, state="pending"),
            "look": lambda a: reply(200, state="paid") if a.number > 4 else looks[a.region],
        }
    )
    assert (ending.outcome, attempt.accepted, attempt.told) == ("paid", True, ["pending", "paid"])
    assert {a.region for a in asked if a.step == "look"} == {"kr", "us"}


@pytest.mark.parametrize(
    ("status", "outcome", "ok"), [(409, "sold-out", True), (410, "over", True), (401, "refused 401", False)]
)
def test_a_refusal_ends_it(status: int, outcome: str, ok: bool) -> None:
    ending, attempt, asked = play({"hold": lambda _: reply(status)})
    assert (ending, attempt.held, len(asked)) == (Ending(outcome, ok=ok), False, 1)


def test_a_buyer_gives_up_at_the_bound_and_says_so() -> None:
    ending, attempt, asked = play({"hold": lambda _: Reply("connect-refused")})
    assert ending == Ending("undecided", ok=False)
    assert attempt.lost == len(asked) > 10
    ending, attempt, _ = play(
        {"hold": held, "order": lambda _: reply(202, state="paying"), "look": lambda _: reply(200, state="paying")}
    )
    assert (ending.outcome, attempt.accepted) == ("undecided", True)


def test_a_buyer_who_loses_every_answer_still_gets_one_piece() -> None:
    habits = PLAIN.model_copy(update={"loses": 0.7})
    ending, attempt, asked = play(
        {"hold": held, "order": lambda _: reply(202, state="paying"), "look": lambda _: reply(200, state="paid")},
        habits,
    )
    assert ending.outcome == "paid"
    assert attempt.lost > 3
    assert len({a.headers["idempotency-key"] for a in asked if a.method == "POST"}) == 2


def test_habits_are_drawn_as_they_are_given() -> None:
    habits, draw = Habits(declined=0.3, times_out=0.1, told_twice=0.1, never_heard=0.1), Random(1)  # noqa: S311
    drawn = [habits.token(draw) for _ in range(5_000)]
    assert {t: round(drawn.count(t) / 5_000, 1) for t in sorted(set(drawn))} == {
        "tok-decline": 0.3, "tok-lost": 0.1, "tok-ok": 0.4, "tok-timeout": 0.1, "tok-twice": 0.1,
    }  # fmt: skip


def test_a_proxy_s_own_page_is_no_state() -> None:
    assert Reply("http-502", 502, b"<html>").json() == Reply("http-200", 200, b"[1]").json() == {}
