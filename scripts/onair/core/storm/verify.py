"""Whether a storm left every unit and every coin where it belongs: the books against each other and the buyers' logs.

Three witnesses that do not know of each other: the regions' databases, the payment provider's ledgers, and what the
buyers were told. Each invariant is a function that yields a line for every breach: no count is without its cases.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from onair.core.purchase import FINAL, Attempt
from onair.core.storm.books import Books, ChargeRow, HoldRow, OrderRow
from onair.core.storm.plan import Sale

KEPT_BREACHES = 50
"""Cases of one invariant that are written out."""
Breach = tuple[int, str]
"""How many units, orders or charges, and which."""


class Verdict(BaseModel):
    """Counts of every invariant's breaches, with the first cases of each."""

    model_config = ConfigDict(extra="forbid")

    counts: dict[str, int]
    cases: dict[str, list[str]]

    @property
    def kept(self) -> bool:
        """Whether every invariant held."""
        return not any(self.counts.values())


@dataclass(frozen=True)
class Evidence:
    """All that is known after a storm; regions by name."""

    sales: Sequence[Sale]
    books: dict[str, Books]
    log: Sequence[Attempt]

    @cached_property
    def orders(self) -> dict[str, list[tuple[str, OrderRow]]]:
        """Orders with their region by key: more than one for a key is a breach."""
        found: dict[str, list[tuple[str, OrderRow]]] = defaultdict(list)
        for region, books in self.books.items():
            for row in books.orders:
                found[row.key].append((region, row))
        return dict(found)

    @cached_property
    def order(self) -> dict[str, OrderRow]:
        """The order of each key, at the key's home where it has several."""
        return {key: min(rows, key=lambda r: r[0] != key[:2])[1] for key, rows in self.orders.items()}

    @cached_property
    def holds(self) -> dict[str, HoldRow]:
        """Holds by id."""
        return {row.id: row for books in self.books.values() for row in books.holds}

    @cached_property
    def charges(self) -> dict[str, list[ChargeRow]]:
        """The ledgers' lines by key."""
        found: dict[str, list[ChargeRow]] = defaultdict(list)
        for books in self.books.values():
            for row in books.charges:
                found[row.key].append(row)
        return dict(found)


def verify(evidence: Evidence) -> Verdict:
    """Judge the evidence by every invariant."""
    counts, cases = {}, {}
    for name, invariant in INVARIANTS.items():
        breaches = list(invariant(evidence))
        counts[name] = sum(size for size, _ in breaches)
        if breaches:
            cases[name] = [what for _, what in breaches[:KEPT_BREACHES]]
    return Verdict(counts=counts, cases=cases)


def oversold(evidence: Evidence) -> Iterator[Breach]:
    """More units sold than were issued, by any of the three witnesses."""
    ordered, charged, told = Counter[str](), Counter[str](), Counter[str]()
    for rows in evidence.orders.values():
        ordered.update({row.sale: row.quantity for _, row in rows if row.state == "paid"})
    for key, order in evidence.order.items():
        lines = evidence.charges.get(key, [])
        charged[order.sale] += order.quantity * sum(line.outcome == "charged" for line in lines)
    for attempt in evidence.log:
        told[attempt.sale] += "paid" in attempt.told
    for sale in evidence.sales:
        name, issued = sale.offer.sale, sale.issued
        over = max(ordered[name], charged[name], told[name]) - issued
        if over > 0:
            yield (
                over,
                (
                    f"{name}: {issued} units issued, {ordered[name]} in paid orders, {charged[name]} charged, "
                    f"{told[name]} buyers told paid"
                ),
            )


def charged_twice(evidence: Evidence) -> Iterator[Breach]:
    """One key charged in both ledgers, one hold charged under two keys, or one order carried out in two regions."""
    by_hold: dict[str, list[str]] = defaultdict(list)
    for key, lines in evidence.charges.items():
        charged = sum(line.outcome == "charged" for line in lines)
        if charged > 1:
            yield charged - 1, f"{key}: charged in {charged} ledgers"
        if charged and key in evidence.order:
            by_hold[evidence.order[key].hold].append(key)
    for hold, keys in by_hold.items():
        if len(keys) > 1:
            yield len(keys) - 1, f"hold {hold}: charged as {', '.join(sorted(keys))}"
    for key, rows in evidence.orders.items():
        if len(rows) > 1:
            yield len(rows) - 1, f"{key}: an order in {' and '.join(sorted(region for region, _ in rows))}"


def charged_for_nothing(evidence: Evidence) -> Iterator[Breach]:
    """Money that was taken and not returned, without a paid order of that amount."""
    for key, lines in evidence.charges.items():
        order = evidence.order.get(key)
        for line in lines:
            if line.outcome != "charged":
                continue
            if order is None or order.state != "paid":
                yield 1, f"{key}: charged, its order is {order.state if order else 'not there'}"
            elif (line.minor, line.currency) != (order.minor, order.currency):
                yield 1, f"{key}: charged {line.minor} {line.currency}, its order is {order.minor} {order.currency}"


def paid_without_charge(evidence: Evidence) -> Iterator[Breach]:
    """Orders that count as paid while the ledger has no charge."""
    for key, order in evidence.order.items():
        if order.state == "paid" and all(line.outcome != "charged" for line in evidence.charges.get(key, [])):
            yield (
                1,
                f"{key}: paid, the ledger says {', '.join(x.outcome for x in evidence.charges.get(key, [])) or '-'}",
            )


def accepted_missing(evidence: Evidence) -> Iterator[Breach]:
    """Orders that a buyer was told are accepted, and that neither region has."""
    forwarded = {row.key for books in evidence.books.values() for row in books.forwarded if row.state != "accepted"}
    for attempt in evidence.log:
        if attempt.accepted and attempt.order not in evidence.order and attempt.order not in forwarded:
            yield 1, f"{attempt.order}: told {', '.join(attempt.told)}; no such order"


def told_otherwise(evidence: Evidence) -> Iterator[Breach]:
    """Buyers who were told one thing while the books say another."""
    for attempt in evidence.log:
        last = attempt.told[-1] if attempt.told else ""
        order = evidence.order.get(attempt.order)
        if last in FINAL and order is not None and order.state != last:
            yield 1, f"{attempt.order}: told {last}, it is {order.state}"
        if attempt.held and attempt.hold not in evidence.holds:
            yield 1, f"hold {attempt.hold}: told that it is held; no such hold"


def unaccounted(evidence: Evidence) -> Iterator[Breach]:
    """Units that are neither available nor held nor sold nor on their way, or that nobody issued."""
    units: Counter[str] = Counter()
    arrived = {
        row.id
        for books in evidence.books.values()
        for row in books.transfers
        if (row.direction, row.state) == ("incoming", "received")
    }
    for books in evidence.books.values():
        units.update(books.available)
        for hold in books.holds:
            units[hold.sale] += hold.quantity * (hold.state in {"held", "ordered", "sold"})
        for row in books.transfers:
            if (row.direction, row.state) == ("outgoing", "sent") and row.id not in arrived:
                units[row.sale] += row.quantity
    for sale in evidence.sales:
        name = sale.offer.sale
        issued = {books.issued[name] for books in evidence.books.values() if name in books.issued}
        if units[name] != sale.issued or issued != {sale.issued}:
            wrong = abs(units[name] - sale.issued) or 1
            yield wrong, f"{name}: {units[name]} units found, {sale.issued} issued (regions say {sorted(issued)})"


def left_over(evidence: Evidence) -> Iterator[Breach]:
    """Holds that keep stock for nothing: past their end, or of an order that is over; sold ones without an order."""
    wanted = {"paying": "ordered", "paid": "sold"}
    by_hold = {order.hold: order for order in evidence.order.values()}
    for hold in evidence.holds.values():
        order = by_hold.get(hold.id)
        should = {wanted.get(order.state, "released")} if order else {"held", "expired", "released"}
        if hold.state not in should:
            yield 1, f"hold {hold.id} is {hold.state}, its order is {order.state if order else 'not there'}"
        elif hold.overdue:
            yield 1, f"hold {hold.id} is held past its end"


def open_still(evidence: Evidence) -> Iterator[Breach]:
    """Work that did not end: orders being paid, stock and orders on their way."""
    for key, order in evidence.order.items():
        if order.state == "paying":
            yield 1, f"{key}: being paid still"
    for region, books in evidence.books.items():
        for row in books.transfers:
            if row.state == "sent":
                yield 1, f"{region}: transfer {row.id} has no verdict"
        for forwarded in books.forwarded:
            if forwarded.state == "pending":
                yield 1, f"{region}: order {forwarded.key} is not handed over"


def unaudited(evidence: Evidence) -> Iterator[Breach]:
    """Orders whose state no row of the audit explains."""
    for key, order in evidence.order.items():
        if order.audited != order.state:
            yield 1, f"{key} is {order.state}, its audit ends with {order.audited}"


INVARIANTS: dict[str, Callable[[Evidence], Iterator[Breach]]] = {
    "oversold": oversold,
    "charged twice": charged_twice,
    "charged for nothing": charged_for_nothing,
    "paid without charge": paid_without_charge,
    "accepted orders missing": accepted_missing,
    "told otherwise": told_otherwise,
    "units unaccounted": unaccounted,
    "holds left over": left_over,
    "open still": open_still,
    "unaudited": unaudited,
}
