"""What both regions' databases and the payment provider's ledgers say of the sales of a storm."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderRow(_Row):
    """An order; ``audited`` is the state that the last row of its audit leads to."""

    key: str
    hold: str
    sale: str
    quantity: int
    minor: int
    currency: str
    state: str
    audited: str | None


class HoldRow(_Row):
    """Stock set aside; ``overdue``: held, and past its end for longer than the sweeper needs."""

    id: str
    sale: str
    quantity: int
    state: str
    overdue: bool


class ChargeRow(_Row):
    """One line of the provider's ledger; ``sale`` is that of the order with this key, None when there is no order."""

    key: str
    minor: int
    currency: str
    outcome: str
    sale: str | None


class TransferRow(_Row):
    """One end of a transfer of stock."""

    id: str
    direction: str
    sale: str
    quantity: int
    state: str


class ForwardedRow(_Row):
    """An order that this region took for the other one."""

    key: str
    state: str


class Books(_Row):
    """One region's books, read at one moment; ``available`` and ``issued`` are units by sale."""

    region: str
    orders: list[OrderRow]
    holds: list[HoldRow]
    charges: list[ChargeRow]
    transfers: list[TransferRow]
    forwarded: list[ForwardedRow]
    available: dict[str, int]
    issued: dict[str, int]


class Open(_Row):
    """What a region still has to do: orders being paid, transfers and orders on their way, messages, holds to end."""

    paying: int
    transfers: int
    forwarded: int
    outbox: int
    overdue: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.paying + self.transfers + self.forwarded + self.outbox + self.overdue
