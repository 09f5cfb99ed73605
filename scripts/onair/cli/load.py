"""``onair load``: the one load generator of the project."""

import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from onair.adapters.facts_file import read
from onair.adapters.load_engine import Tick
from onair.adapters.load_http import run_load
from onair.cli.context import ROOT
from onair.core.finding import Finding, OnairError
from onair.core.load import STARTED, LoadPlan, seconds_of
from onair.core.load_result import LoadResult, Seen
from onair.core.load_times import Quantiles
from onair.core.paths import Paths

SHOWN_FAILURES = 5


def command(
    url: Annotated[str, typer.Argument(help="Where to send requests; loopback or the platform's own networks.")],
    *,
    rate: Annotated[float, typer.Option(help="Arrivals a second, whatever the target does.")] = 100.0,
    duration: Annotated[str | None, typer.Option(help="How long: 500ms, 60s, 2m. [default: 60s]")] = None,
    requests: Annotated[int | None, typer.Option(help="How many requests, instead or as a further bound.")] = None,
    arrivals: Annotated[Literal["constant", "poisson"], typer.Option(help="Spacing of arrivals.")] = "constant",
    seed: Annotated[int, typer.Option(help="Seed of the Poisson process.")] = 1,
    connections: Annotated[
        Literal["kept", "new", "mixed"], typer.Option(help="Kept alive, one for each request, or in turns.")
    ] = "kept",
    viewers: Annotated[int, typer.Option(help="Kept connections in use by turns.")] = 20,
    method: Annotated[str, typer.Option(help="HTTP method.")] = "GET",
    header: Annotated[list[str] | None, typer.Option(help="'Name: value'; may be repeated.")] = None,
    geo: Annotated[Literal["kr", "us"] | None, typer.Option(help="Viewer's region (x-onair-geo).")] = None,
    body_file: Annotated[Path | None, typer.Option(help="File sent as the body.")] = None,
    timeout: Annotated[str, typer.Option(help="Longest time for one request.")] = "10s",
    cacert: Annotated[
        Path | None, typer.Option(help="Authority to trust. [default: the platform's own, if it exists]")
    ] = None,
    resolve: Annotated[str | None, typer.Option(help="host:port:address, as curl's.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the whole result here.")] = None,
    interval: Annotated[str, typer.Option(help="Step of the timeline.")] = "1s",
    max_in_flight: Annotated[int, typer.Option(help="More than this at a time is client overload.")] = 1_000,
    fail_on_error: Annotated[
        bool, typer.Option("--fail-on-error", help="Exit 1 unless every request that was due succeeded.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No live line, no report.")] = False,
) -> None:
    """Send requests at a set rate and report every outcome; Ctrl-C reports what was measured so far."""
    fields = {
        "url": url,
        "rate": rate,
        "duration": None if duration is None else seconds("--duration", duration),
        "requests": requests,
        "arrivals": arrivals,
        "seed": seed,
        "connections": connections,
        "viewers": viewers,
        "method": method,
        "headers": tuple(_header(h) for h in header or ()) + ((("x-onair-geo", geo),) if geo else ()),
        "body_file": body_file,
        "timeout": seconds("--timeout", timeout),
        "ca_certificate": cacert or (platform_authority() if url.startswith("https:") else None),
        "resolve": resolve,
        "interval": seconds("--interval", interval),
        "max_in_flight": max_in_flight,
    }
    try:
        plan = LoadPlan.model_validate(fields)
    except ValidationError as error:
        raise OnairError(*(finding(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors())) from error
    result = _run(plan, quiet)
    if json_file:
        json_file.write_text(result.model_dump_json(indent=1), encoding="utf-8")
    if not quiet:
        report(result, Console(highlight=False))
    if fail_on_error and (not result.clean or result.interrupted):
        sys.exit(1)


def report(result: LoadResult, console: Console) -> None:
    """Draw a result: outcomes, times, regions and versions, and what to doubt."""
    ended = "stopped early" if result.interrupted else "done"
    console.print(
        f"{ended}: {result.due:,} due in {result.elapsed:.1f} s, [green]{result.ok:,} ok[/], "
        f"[{'red' if result.failed else 'green'}]{result.failed:,} failed[/], {result.not_sent:,} not sent, "
        f"{result.opened:,} connections, {result.received_bytes / 2**20:.1f} MiB, "
        f"client {result.client_cores:.2f} core"
    )
    outcomes = Table("outcome", "count", "reused", "first s", "last s")
    for kind, seen in (("", result.outcomes), ("region ", result.regions), ("version ", result.versions)):
        for name, one in seen.items():
            _row(outcomes, kind + name, one)
    console.print(outcomes)
    times = Table("ms", "count", "p50", "p90", "p99", "p99.9", "max")
    named = {
        "response (from due time)": result.response,
        "service (from sending)": result.service,
        "lag": result.lag,
    }
    for name, q in named.items():
        times.add_row(name, f"{q.count:,}", *_times(q))
    console.print(times)
    for failure in result.failures[:SHOWN_FAILURES]:
        console.print(f"  {failure.due:8.3f} s {failure.outcome}: {escape(failure.detail)}")
    for reason in result.saturated:
        console.print(f"[bold red]client saturated[/]: {reason}; these figures measure the client as well")


def _run(plan: LoadPlan, quiet: bool) -> LoadResult:
    allowed = networks()
    if quiet:
        # Who started this process waits for this line.
        return run_load(plan, networks=allowed, on_start=lambda: print(STARTED, flush=True))
    console = Console(stderr=True, highlight=False)
    with Live("starting", console=console, transient=True, auto_refresh=False) as live:

        def show(tick: Tick) -> None:
            counts = f"[green]{tick.ok:,} ok[/]  [red]{tick.failed:,} failed[/]  {tick.not_sent:,} not sent"
            times = f"p50 {tick.p50:.1f} p99 {tick.p99:.1f} ms"
            line = f"{tick.elapsed:6.1f} s  {tick.due:,} due  {counts}  {tick.in_flight} under way  {times}"
            live.update(line, refresh=True)

        return run_load(plan, show, networks=allowed)


def networks() -> list[IPv4Network]:
    """Return where load may go besides loopback."""
    try:
        return [read(ROOT).platform.spec.pools.local]
    except OnairError:
        return []  # broken facts are for other commands to tell; loopback is always allowed


def platform_authority() -> Path | None:
    """Return the platform's own authority, if there is one here."""
    path = Paths.of().pki("platform") / "ca.crt"
    return path if path.is_file() else None


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise OnairError(finding("--header", f"'{text}' is not 'Name: value'"))
    return name.strip(), value.strip()


def seconds(option: str, text: str) -> float:
    """Read an option's duration; raises OnairError when it is none."""
    try:
        return seconds_of(text)
    except ValueError as error:
        raise OnairError(finding(option, str(error))) from error


def finding(field: str, message: str) -> Finding:
    """Say what is wrong with an option."""
    what = f"{field}: {message.removeprefix('Value error, ')}" if field else message.removeprefix("Value error, ")
    return Finding(rule="load/plan", what=what, mend="onair load --help")


def _row(table: Table, name: str, seen: Seen) -> None:
    table.add_row(escape(name), f"{seen.count:,}", f"{seen.reused:,}", f"{seen.first:.3f}", f"{seen.last:.3f}")


def _times(q: Quantiles) -> list[str]:
    return [f"{value:.1f}" for value in (q.p50, q.p90, q.p99, q.p99_9, q.max)]
