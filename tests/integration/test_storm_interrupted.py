"""Ctrl-C in a storm: purchases end, what is broken is healed, and what was done is counted all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from faulty_server import Serve

from onair.adapters.shop import Goods
from onair.adapters.storm import run as storm
from onair.cli.app import main
from onair.core.progress import Reporter, Silent
from onair.core.purchase import Shopper
from onair.core.storm.books import Books, Open
from onair.core.storm.plan import Sale, StormPlan
from onair.core.storm.result import FaultRecord, StormResult

pytestmark = pytest.mark.integration
PLAN = StormPlan(attempts=4_000, items=40, sales=2, rate=40.0, kills=0, cuts=0, viewers=4, settle=60.0)
NOTHING_OPEN = Open(paying=0, transfers=0, forwarded=0, outbox=0, overdue=0)
SOLD_OUT = b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\nx-onair-region: kr\r\nx-onair-version: v1\r\n\r\n{}"


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@dataclass
class Platform:
    """Two regions in which everything is sold out; does something at a moment of the storm."""

    address: str
    presses: dict[str, int]
    left: Open = NOTHING_OPEN
    opened: list[Sale] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    done: list[FaultRecord] = field(default_factory=list)

    def at(self, moment: str) -> None:
        self.events.append(moment)
        for _ in range(self.presses.get(moment, 0)):
            ctrl_c()

    def world(self) -> storm.World:
        regions = [Region(self, name) for name in ("kr", "us")]
        return storm.World(
            shops=cast(Any, regions),
            books=cast(Any, regions),
            seller=cast(Any, Clerk(self)),
            shoppers=[Shopper(region.region, "cookie", "csrf") for region in regions],
            goods=Goods("seoul-table", "TEA-40"),
            trouble=self,
        )

    def start(self) -> None:
        if "purchases" in self.presses:
            threading.Timer(1.0, self.at, ["purchases"]).start()

    def stop(self) -> None:
        self.at("heal")


@dataclass
class Region:
    platform: Platform
    region: str

    @property
    def address(self) -> str:
        return self.platform.address

    def sales(self, _: str) -> list[dict[str, Any]]:
        return [{"sale": sale.offer.sale} for sale in self.platform.opened]

    def open(self, _: str) -> Open:
        if self.region == "kr":
            self.platform.at("settle")
        return self.platform.left

    def books(self, _: str, __: float) -> Books:
        self.platform.at("count")
        own = {sale.offer.sale: sale.quantity[self.region] for sale in self.platform.opened}
        issued = {sale.offer.sale: sale.issued for sale in self.platform.opened}
        none: dict[str, Any] = {name: [] for name in ("orders", "holds", "charges", "transfers", "forwarded")}
        return Books(region=self.region, available=own, issued=issued, **none)


@dataclass
class Clerk:
    platform: Platform

    def at(self, _: Region) -> Clerk:
        return self

    def open(self, sale: Sale, _: Goods) -> None:
        self.platform.opened.append(sale)

    def close(self, _: Sale) -> None:
        self.platform.at("close")


def platform_of(serve: Serve, left: Open = NOTHING_OPEN, **presses: int) -> Platform:
    async def sold_out(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
        writer.write(SOLD_OUT)
        return False  # a body that is not read stands before the next request

    return Platform(serve(sold_out).url.rstrip("/"), presses, left)


def test_purchases_end_and_the_rest_is_done_and_counted(serve: Serve) -> None:
    platform = platform_of(serve, purchases=1)
    result = storm.run(PLAN, platform.world(), Silent())
    assert platform.events == ["purchases", "heal", "close", "close", "settle", "count", "count"]
    assert result.interrupted
    assert 0 < result.attempts < PLAN.attempts
    assert result.verdict.kept
    assert not result.good, "a storm that did not come whole proves nothing"
    assert result.settled is not None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_asks_again_does_not_wait_until_all_is_settled(serve: Serve) -> None:
    platform = platform_of(serve, NOTHING_OPEN.model_copy(update={"paying": 1}), purchases=1, heal=1)
    result = storm.run(PLAN, platform.world(), Silent())
    assert platform.events == ["purchases", "heal", "close", "close", "settle", "count", "count"]
    assert (result.interrupted, result.settled) == (True, None)


def test_a_storm_that_is_over_is_counted_without_waiting(serve: Serve) -> None:
    platform = platform_of(serve, NOTHING_OPEN.model_copy(update={"outbox": 3}), settle=1)
    plan = PLAN.model_copy(update={"attempts": 40})
    result = storm.run(plan, platform.world(), Silent())
    assert platform.events[-3:] == ["settle", "count", "count"]
    assert (result.attempts, result.interrupted, result.settled) == (40, True, None)


def test_the_command_tells_the_counts_last_and_ends_with_130(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def short(_: object, __: StormPlan, reporter: Reporter) -> StormResult:
        return storm.run(PLAN, platform_of(serve, purchases=1).world(), reporter)

    monkeypatch.setattr("onair.adapters.local.storm.run", short)
    monkeypatch.setattr("onair.adapters.local.platform.LocalPlatform.open", lambda _: None)
    with pytest.raises(SystemExit) as stopped:
        main(["storm", "--short"])
    assert stopped.value.code == 130
    told = capsys.readouterr()
    assert told.out.strip().splitlines()[-1].startswith("storm: ")
    assert "oversold 0" in told.out
    assert "goes on from here" not in told.err
