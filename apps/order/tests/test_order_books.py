"""The storm's count on real databases: nothing wrong is nothing found, and each seeded breach is found by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from order_world import Regions

from onair.adapters.storm import books
from onair.adapters.storm.books import Bookkeeper
from onair.core.finding import OnairError
from onair.core.purchase import Attempt, Offer
from onair.core.storm.plan import Sale
from onair.core.storm.result import totals
from onair.core.storm.verify import INVARIANTS, Evidence, verify
from order import keys, orders, transfers
from order.machine import Outcome
from order.orders import Actor

pytestmark = pytest.mark.integration
ACTOR = Actor("test", "test")
SALE = Sale(Offer("tea", "TEA-40"), "kr", {"kr": 3, "us": 2})
PSQL = "/usr/lib/postgresql/15/bin/psql"


@dataclass
class Shop:
    """Two regions that sold out: three orders paid in kr, one of two in us, one declined, one hold left alone."""

    regions: Regions
    log: list[Attempt] = field(default_factory=list)
    since: float = field(default_factory=lambda: datetime.now(UTC).timestamp() - 1)

    async def buy(self, home: str, outcome: Outcome | None, *, told: bool = True) -> Attempt:
        """Hold and order one piece as a viewer, and settle it as worker does."""
        region, attempt = self.regions[home], Attempt(len(self.log), home, "tea", keys.new(home), keys.new(home))
        self.log.append(attempt)
        attempt.held = (await region.hold(key=attempt.hold)).status_code == 201
        if outcome is None:
            attempt.order, attempt.outcome = "", "left"
            return attempt
        placed = await region.order(attempt.hold, key=attempt.order)
        attempt.accepted, attempt.told = placed.status_code == 202, [placed.json()["state"]]
        amount = placed.json()["amount"]
        await region.db.fetch(
            "INSERT INTO provider.charges (key, minor, currency, outcome) VALUES ($1, $2, $3, $4)",
            *(attempt.order, amount["minor"], amount["currency"], outcome),
        )
        async with region.db.transaction() as connection:
            state = await orders.settle(connection, home, attempt.order, outcome, ACTOR)
        if told:
            attempt.told.append(str(state))
            attempt.outcome = str(state)
        return attempt

    def evidence(self) -> Evidence:
        """Read both regions' books by psql, as the storm does."""
        read = {}
        for name, region in self.regions.items():
            at = region.db._connect
            place = [
                f"PGHOST={at['host']}",
                f"PGPORT={at['port']}",
                f"PGUSER={at['user']}",
                f"PGDATABASE={at['database']}",
            ]
            read[name] = Bookkeeper(name, ["env", *place, PSQL]).books("tea", self.since)
        return Evidence([SALE], read, self.log)

    async def run(self, home: str, *statements: str) -> None:
        """Change a region's database behind the service's back; {n} is the nth attempt's order, {hn} its hold."""
        words = {f"o{n}": a.order for n, a in enumerate(self.log)} | {f"h{n}": a.hold for n, a in enumerate(self.log)}
        for statement in statements:
            await self.regions[home].db.fetch(statement.format(**words))


@pytest.fixture
async def shop(regions: Regions) -> Shop:
    kr, us = regions["kr"], regions["us"]
    await kr.open(kr=3, us=2)
    rows = await kr.db.fetch("SELECT id FROM transfers WHERE state = 'sent'")
    told = await transfers.message(kr.db, rows[0]["id"])
    answer = await kr.context.peer.post("/peer/transfers", told)
    async with kr.db.transaction() as connection:
        await transfers.conclude(connection, rows[0]["id"], answer.json()["verdict"])
    made = Shop({"kr": kr, "us": us})
    for _ in range(3):
        await made.buy("kr", "charged")
    await made.buy("us", "declined")
    await made.buy("us", "charged")
    await made.buy("us", None)
    return made


async def test_a_shop_in_order_has_no_breach(shop: Shop) -> None:
    evidence = shop.evidence()
    verdict = verify(evidence)
    assert verdict.kept, verdict
    assert set(verdict.counts) == set(INVARIANTS)
    found = totals(evidence)
    assert (found.issued, found.paid, found.held, found.moved) == (5, 4, 1, 0)
    assert found.orders == {"declined": 1, "paid": 4}


CHARGE = "INSERT INTO provider.charges (key, minor, currency, outcome) VALUES ('{%s}', %d, 'KRW', 'charged')"
EXTRA_HOLD = (
    "INSERT INTO holds (id, sale, sku, bucket, quantity, viewer, fingerprint, state, expires_at)"
    " SELECT 'kr-extra', sale, sku, bucket, 1, viewer, fingerprint, '%s', expires_at FROM holds WHERE id = '{h0}'"
)
EXTRA_ORDER = (
    "INSERT INTO orders (key, hold, sale, show_id, sku, quantity, viewer, minor, currency, fingerprint, token, state)"
    " SELECT 'kr-extra', 'kr-extra', sale, show_id, sku, 1, viewer, minor, currency, fingerprint, token, '%s'"
    " FROM orders WHERE key = '{o0}'"
)
AUDIT = "INSERT INTO order_audit (order_key, who, origin, to_state, reason) VALUES ('{%s}', '', '', '%s', '')"
EXTRA_AUDIT = AUDIT.replace("{%s}", "kr-extra")
EXTRA_CHARGE = (
    "INSERT INTO provider.charges (key, minor, currency, outcome) SELECT 'kr-extra', minor, currency, 'charged'"
    " FROM orders WHERE key = '{o0}'"
)


@pytest.mark.parametrize(
    ("home", "statements", "found"),
    [
        pytest.param(
            "kr",
            [
                *(EXTRA_HOLD % "sold", EXTRA_ORDER % "paid", EXTRA_AUDIT % "paid", EXTRA_CHARGE),
                # four of five are paid: two more are one too many
                "UPDATE orders SET quantity = 2 WHERE key = 'kr-extra'",
                "UPDATE holds SET quantity = 2 WHERE id = 'kr-extra'",
            ],
            {"oversold": 1, "units unaccounted": 2},
            id="more sold than issued",
        ),
        pytest.param(
            "us",
            [CHARGE % ("o0", 39000)],
            {"charged twice": 1},
            id="one key charged in both ledgers",
        ),
        pytest.param(
            "kr",
            [
                "ALTER TABLE orders DROP CONSTRAINT orders_hold_key",
                EXTRA_ORDER.replace("'kr-extra', 'kr-extra'", "'kr-extra', hold") % "paid",
                EXTRA_AUDIT % "paid",
                EXTRA_CHARGE,
            ],
            {"charged twice": 1},
            id="one hold charged under two keys",
        ),
        pytest.param(
            "kr",
            [
                "UPDATE orders SET state = 'cancelled' WHERE key = '{o0}'",
                "UPDATE holds SET state = 'released' WHERE id = '{h0}'",
                "UPDATE allotments SET available = 1 WHERE bucket = 0",
                AUDIT % ("o0", "cancelled"),
            ],
            {"charged for nothing": 1, "told otherwise": 1},
            id="charged, and the order given up",
        ),
        pytest.param(
            "kr",
            ["INSERT INTO provider.charges (key, minor, currency, outcome) VALUES ('kr-nobody', 1, 'KRW', 'charged')"],
            {"charged for nothing": 1},
            id="charged without any order",
        ),
        pytest.param(
            "kr",
            ["UPDATE provider.charges SET minor = 1 WHERE key = '{o0}'"],
            {"charged for nothing": 1},
            id="charged another amount",
        ),
        pytest.param(
            "kr",
            ["DELETE FROM provider.charges WHERE key = '{o1}'"],
            {"paid without charge": 1},
            id="paid, never charged",
        ),
        pytest.param(
            "kr",
            ["UPDATE provider.charges SET outcome = 'refunded' WHERE key = '{o1}'"],
            {"paid without charge": 1},
            id="paid, and the money returned",
        ),
        pytest.param(
            "us",
            ["DELETE FROM provider.charges WHERE key = '{o3}'", "DELETE FROM orders WHERE key = '{o3}'"],
            {"accepted orders missing": 1},
            id="an accepted order is gone",
        ),
        pytest.param(
            "us",
            [
                "UPDATE orders SET state = 'cancelled' WHERE key = '{o3}'",
                AUDIT % ("o3", "cancelled"),
            ],
            {"told otherwise": 1},
            id="told declined, was cancelled",
        ),
        pytest.param(
            "us",
            ["DELETE FROM holds WHERE id = '{h5}'"],
            {"told otherwise": 1, "units unaccounted": 1},
            id="a hold that was told is gone",
        ),
        pytest.param(
            "us",
            ["UPDATE allotments SET available = available + 1 WHERE bucket = 0"],
            {"units unaccounted": 1},
            id="a unit out of nothing",
        ),
        pytest.param(
            "kr",
            ["UPDATE sales SET issued = 7"],
            {"units unaccounted": 1},
            id="a region believes in another issue",
        ),
        pytest.param(
            "us",
            ["UPDATE holds SET expires_at = now() - interval '1 hour' WHERE id = '{h5}'"],
            {"holds left over": 1},
            id="a hold that nobody ends",
        ),
        pytest.param(
            "us",
            ["UPDATE holds SET state = 'ordered' WHERE id = '{h5}'"],
            {"holds left over": 1},
            id="a hold of an order that is not there",
        ),
        pytest.param(
            "us",
            [
                "UPDATE orders SET state = 'paying' WHERE key = '{o4}'",
                "UPDATE holds SET state = 'ordered' WHERE id = '{h4}'",
                "DELETE FROM provider.charges WHERE key = '{o4}'",
                AUDIT % ("o4", "paying"),
            ],
            {"open still": 1, "told otherwise": 1},
            id="an order that is never settled",
        ),
        pytest.param(
            "kr",
            ["UPDATE transfers SET state = 'sent'"],
            {"open still": 1},
            id="a transfer whose verdict never came",
        ),
        pytest.param(
            "us",
            ["INSERT INTO forwarded_orders (key, viewer, body, fingerprint) VALUES ('kr-late', '', '{{}}', '')"],
            {"open still": 1},
            id="an order that is never handed over",
        ),
        pytest.param(
            "kr",
            ["DELETE FROM order_audit WHERE order_key = '{o0}' AND to_state = 'paid'"],
            {"unaudited": 1},
            id="a change that nobody wrote down",
        ),
    ],
)
async def test_each_seeded_breach_is_found(shop: Shop, home: str, statements: list[str], found: dict[str, int]) -> None:
    await shop.run(home, *statements)
    verdict = verify(shop.evidence())
    assert {name: count for name, count in verdict.counts.items() if count} == found, verdict.cases
    assert set(verdict.cases) == set(found)


async def test_a_buyer_who_was_told_paid_counts_as_a_unit_sold(shop: Shop) -> None:
    for _ in range(2):
        attempt = Attempt(99, "kr", "tea", keys.new("kr"), keys.new("kr"), accepted=True, told=["paid"])
        shop.log.append(attempt)
    counts = verify(shop.evidence()).counts
    assert (counts["oversold"], counts["accepted orders missing"]) == (1, 2)


async def test_an_order_taken_for_the_other_region_is_not_missing_while_it_waits(shop: Shop) -> None:
    key, us = keys.new("kr"), shop.regions["us"]
    await us.db.fetch(
        "INSERT INTO forwarded_orders (key, viewer, body, fingerprint, state) VALUES ($1, '', '{}', '', 'pending')", key
    )
    shop.log.append(Attempt(99, "kr", "tea", keys.new("kr"), key, accepted=True, told=["pending"]))
    counts = verify(shop.evidence()).counts
    assert counts["accepted orders missing"] == 0
    await us.db.fetch("UPDATE forwarded_orders SET state = 'accepted'")
    assert verify(shop.evidence()).counts["accepted orders missing"] == 1, (
        "handed over, they say: then it must be there"
    )


def test_books_that_cannot_be_read_are_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "PAUSE_SECONDS", 0.0)
    with pytest.raises(OnairError, match=r"kr: the database of order is not read: .*[Cc]onnection refused"):
        Bookkeeper("kr", ["env", "PGHOST=127.0.0.1", "PGPORT=1", PSQL]).open("storm")
