"""``onair viewers``: sessions that browse, watch, chat and buy, on the engine of ``onair load``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onair.adapters.load_engine import Tick
from onair.adapters.viewers import run_viewers
from onair.cli.load import finding, networks, platform_authority, seconds
from onair.core.finding import OnairError
from onair.core.load import STARTED
from onair.core.load_result import Measured
from onair.core.viewer.plan import Habits, ViewersPlan, ViewersResult


def command(
    url: Annotated[str, typer.Argument(help="The shop's address; loopback or the platform's own networks.")],
    *,
    geo: Annotated[Literal["kr", "us"], typer.Option(help="Where the viewers are.")],
    show: Annotated[str, typer.Option(help="The show that they come for.")] = "seoul-table",
    rate: Annotated[float, typer.Option(help="Viewers that come in a second.")] = 0.5,
    duration: Annotated[str | None, typer.Option(help="How long they come: 500ms, 60s, 2m. [default: 60s]")] = None,
    requests: Annotated[int | None, typer.Option(help="How many come, instead or as a further bound.")] = None,
    arrivals: Annotated[Literal["constant", "poisson"], typer.Option(help="Spacing of arrivals.")] = "poisson",
    seed: Annotated[int, typer.Option(help="Of arrivals and of what each does.")] = 1,
    viewers: Annotated[int, typer.Option(help="Browsers in use by turns.")] = 60,
    timeout: Annotated[str, typer.Option(help="Longest time for one request.")] = "10s",
    stays: Annotated[float | None, typer.Option(help="Mean seconds on the show's page.")] = None,
    thinks: Annotated[float | None, typer.Option(help="Mean seconds before the next click.")] = None,
    talks: Annotated[float | None, typer.Option(help="Mean seconds between two messages of a viewer.")] = None,
    buys: Annotated[float | None, typer.Option(help="Share of viewers who buy.")] = None,
    patience: Annotated[float | None, typer.Option(help="Longest seconds for a message to be taken.")] = None,
    bound: Annotated[float | None, typer.Option(help="Seconds that a purchase is followed.")] = None,
    cacert: Annotated[
        Path | None, typer.Option(help="Authority to trust. [default: the platform's own, if it exists]")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the whole result here.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No live line, no report.")] = False,
) -> None:
    """Let viewers come in, and report what they noticed; Ctrl-C reports what was measured so far."""
    own = {"stays": stays, "thinks": thinks, "talks": talks, "buys": buys, "patience": patience, "bound": bound}
    fields: dict[str, Any] = {
        "geo": geo,
        "show": show,
        "rate": rate,
        "duration": None if duration is None else seconds("--duration", duration),
        "requests": requests,
        "arrivals": arrivals,
        "seed": seed,
        "viewers": viewers,
        "timeout": seconds("--timeout", timeout),
        "ca_certificate": cacert or (platform_authority() if url.startswith("https:") else None),
    }
    try:
        habits = Habits.model_validate({name: value for name, value in own.items() if value is not None})
        plan = ViewersPlan.at(url, habits=habits, **fields)
    except ValidationError as error:
        raise OnairError(*(finding(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors())) from error
    result = _run(plan, quiet)
    if json_file:
        json_file.write_text(result.model_dump_json(), encoding="utf-8")
    if not quiet:
        report(result, Console(highlight=False))
    if any(measured.failed for measured in result.activities.values()) and not quiet:
        sys.exit(1)


def report(result: ViewersResult, console: Console) -> None:
    """Draw what viewers noticed, then the requests behind it."""
    table = Table("what", "count", "well", "not", "p50 ms", "p99 ms", "outcomes", box=None)
    rows: dict[str, Measured] = {"sessions": result.sessions}
    rows |= {str(name): found for name, found in result.activities.items()}
    rows |= {name: step for name, step in result.steps.items() if name not in rows}
    for name, found in rows.items():
        outcomes = ", ".join(f"{outcome} {seen.count:,}" for outcome, seen in found.outcomes.items())
        times = (f"{value:,.0f}" for value in (found.response.p50, found.response.p99))
        table.add_row(name, f"{found.due:,}", f"{found.ok:,}", f"{found.failed:,}", *times, escape(outcomes))
    console.print(table)
    for name, found in rows.items():
        for failure in found.failures[:3]:
            console.print(f"  {name} at {failure.due:.1f} s: {failure.outcome} {escape(failure.detail)}")
    for reason in result.sessions.saturated:
        console.print(f"[bold red]client saturated[/]: {reason}; these figures measure the client as well")


def _run(plan: ViewersPlan, quiet: bool) -> ViewersResult:
    if quiet:
        # Who started this process waits for this line.
        return run_viewers(plan, networks=networks(), on_start=lambda: print(STARTED, flush=True))
    console = Console(stderr=True, highlight=False)
    with console.status("viewers come in") as status:

        def show(tick: Tick) -> None:
            status.update(f"{tick.elapsed:6.1f} s  {tick.due:,} came, {tick.in_flight} are in, {tick.failed:,} failed")

        return run_viewers(plan, show, networks=networks())
