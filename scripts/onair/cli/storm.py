"""``onair storm``: many more buyers than goods while things break, and then every unit and coin is counted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onair.adapters.local import git, storm
from onair.adapters.local.platform import LocalPlatform
from onair.cli.console import ConsoleReporter
from onair.cli.context import INTERRUPTED, ROOT
from onair.core.finding import Finding, OnairError
from onair.core.load import seconds_of
from onair.core.load_result import Measured
from onair.core.storm.plan import SHORT, StormPlan
from onair.core.storm.report import markdown
from onair.core.storm.result import StormResult

REPORT = "docs/reports/storm.md"
SHOWN_CASES = 5


def command(
    *,
    short: Annotated[bool, typer.Option("--short", help="The small storm of every change's tests.")] = False,
    attempts: Annotated[int | None, typer.Option(help="Purchases to try.")] = None,
    items: Annotated[int | None, typer.Option(help="Units for sale, over all sales and regions.")] = None,
    sales: Annotated[int | None, typer.Option(help="Sales, one after the other.")] = None,
    rate: Annotated[float | None, typer.Option(help="Purchases that begin a second.")] = None,
    kills: Annotated[int | None, typer.Option(help="Pods of order and worker that are killed.")] = None,
    cuts: Annotated[int | None, typer.Option(help="How often the inter-region link is cut.")] = None,
    cut_for: Annotated[str | None, typer.Option(help="How long each cut lasts: 15s.")] = None,
    viewers: Annotated[int | None, typer.Option(help="Sessions of the shop.")] = None,
    settle: Annotated[str | None, typer.Option(help="How long the workers may take at the end: 5m.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of arrivals, cards and faults.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the whole result here.")] = None,
    write_report: Annotated[bool, typer.Option("--report", help=f"Write {REPORT}.")] = False,
) -> None:
    """Sell out both local regions while pods are killed and the link is cut; exit 1 when a unit or a coin is wrong."""
    given: dict[str, Any] = {
        "attempts": attempts,
        "items": items,
        "sales": sales,
        "rate": rate,
        "kills": kills,
        "cuts": cuts,
        "cut_seconds": _seconds("--cut-for", cut_for),
        "viewers": viewers,
        "settle": _seconds("--settle", settle),
        "seed": seed,
    }
    fields = (SHORT if short else StormPlan()).model_dump() | {k: v for k, v in given.items() if v is not None}
    try:
        plan = StormPlan.model_validate(fields)
    except ValidationError as error:
        raise OnairError(*(_finding(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors())) from error
    result = storm.run(LocalPlatform.open(ROOT), plan, ConsoleReporter())
    if json_file:
        json_file.write_text(result.model_dump_json(indent=1), encoding="utf-8")
    if write_report:
        (ROOT / REPORT).write_text(markdown(result, _where()), encoding="utf-8")
    report(result, Console(highlight=False))
    if result.interrupted:
        sys.exit(INTERRUPTED)
    if not result.good:
        sys.exit(1)


def report(result: StormResult, console: Console) -> None:
    """Draw a result; the last line gives the counts."""
    console.print(_measured("ended", {"all": result.arrivals}, result.arrivals))
    outcomes = Table("how purchases ended", "count", "first s", "last s", box=None)
    for name, seen in result.arrivals.outcomes.items():
        outcomes.add_row(escape(name), f"{seen.count:,}", f"{seen.first:.1f}", f"{seen.last:.1f}")
    console.print(outcomes)
    console.print(_measured("step", result.steps, result.arrivals))
    for fault in result.faults:
        mark = "" if fault.ok else " [bold red]failed[/]"
        console.print(f"  {fault.at:7.1f} s  {escape(fault.what)}: {escape(fault.outcome)}{mark}")
    t = result.totals
    orders = ", ".join(f"{state} {count:,}" for state, count in t.orders.items())
    console.print(
        f"orders: {orders}; units held still {t.held:,}; moved between regions {t.moved:,}; answers lost {t.lost:,}, "
        f"asked elsewhere {t.elsewhere:,}, taken for the other region {t.forwarded:,}"
    )
    settled = "something is open still" if result.settled is None else f"settled in {result.settled:.0f} s"
    console.print(f"{settled}; client {result.arrivals.client_cores:.2f} core")
    for reason in result.arrivals.saturated:
        console.print(f"[bold red]client saturated[/]: {escape(reason)}; these figures measure the client as well")
    for name, cases in result.verdict.cases.items():
        for case in cases[:SHOWN_CASES]:
            console.print(f"[bold red]{name}[/]: {escape(case)}")
    console.print(f"[{'green' if result.good else 'bold red'}]{result.counts}[/]", soft_wrap=True)


def _measured(name: str, rows: dict[str, Measured], whole: Measured) -> Table:
    table = Table(name, "sent", "per s", "ok", "refused", "failed", "hung up", "p50 ms", "p90", "p99", "max", box=None)
    table.columns[0].no_wrap = True
    for row, m in rows.items():
        per = m.sent / whole.elapsed if whole.elapsed else 0.0
        times = (f"{value:,.0f}" for value in (m.response.p50, m.response.p90, m.response.p99, m.response.max))
        counts = (f"{count:,}" for count in (m.ok, m.refused, m.failed - m.refused, m.not_sent))
        table.add_row(row, f"{m.sent:,}", f"{per:.0f}", *counts, *times)
    return table


def _where() -> str:
    commit = git.run(ROOT, "describe", "--always", "--dirty")
    memory = psutil.virtual_memory().total / 2**30
    return f"commit {commit}, both regions on one machine with {os.cpu_count()} processors and {memory:.0f} GiB"


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return seconds_of(text)
    except ValueError as error:
        raise OnairError(_finding(option, str(error))) from error


def _finding(field: str, message: str) -> Finding:
    what = f"{field}: {message.removeprefix('Value error, ')}" if field else message.removeprefix("Value error, ")
    return Finding(rule="storm/plan", what=what, mend="onair storm --help")
