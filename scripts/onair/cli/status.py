"""``onair status``: what runs, what is wrong, and where to look at it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from onair.adapters.local.platform import LocalPlatform
from onair.cli import console
from onair.cli.context import ROOT
from onair.core.status import PlatformState, RegionState, problems

MARK = {True: "[green]●[/]", False: "[red]●[/]"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole state as JSON.")] = False,
    log: Annotated[str | None, typer.Option(help="Print the log of one service instead.")] = None,
) -> None:
    """Show regions, components, Applications, Rollouts and addresses; exit 1 when something is wrong."""
    local = LocalPlatform.open(ROOT)
    if log:
        typer.echo(local.supervisor.log(log).read_text())
        return
    state = local.inspect()
    if as_json:
        typer.echo(state.model_dump_json(indent=1))
        wrong = bool(problems(state.services, state.regions)) or not state.services
    else:
        wrong = show(state)
    if wrong:
        raise typer.Exit(1)


def show(state: PlatformState) -> bool:
    """Draw the state; returns whether something is wrong."""
    out = Console(highlight=False)
    if not state.services:
        out.print("Nothing runs here. Start it: [bold]make up[/]")
        return True
    out.print(_components(state))
    for region in state.regions:
        if region.reachable:
            out.print(_applications(region))
            if region.rollouts:
                out.print(_rollouts(region))
    addresses = Table("address", "", box=None, show_header=False)
    for name, address in state.addresses.items():
        addresses.add_row(name, f"[link={address}]{address}[/link]")
    out.print(addresses)
    found = problems(state.services, state.regions)
    console.render(found, out)
    if not found:
        out.print("[green]all is well[/]")
    return bool(found)


def _components(state: PlatformState) -> Table:
    table = Table("region", "components", "nodes", "links", "viewers", box=None, title="Platform", title_justify="left")
    groups = {region.cluster: region for region in state.regions}
    for group in dict.fromkeys(service.group for service in state.services):
        services = [s for s in state.services if s.group == group]
        running = sum(s.state == "run" for s in services)
        region = groups.get(group)
        nodes = " ".join(f"{MARK[ready]} {name}" for name, ready in region.nodes.items()) if region else ""
        links = " ".join(f"{MARK[up]} {name.partition(':')[0]}" for name, up in region.links.items()) if region else ""
        viewers = "" if region is None or region.edge_healthy is None else MARK[region.edge_healthy]
        table.add_row(group, f"{MARK[running == len(services)]} {running}/{len(services)}", nodes, links, viewers)
    return table


def _applications(region: RegionState) -> Table:
    table = Table(
        "Application",
        "sync",
        "health",
        "revision",
        "message",
        box=None,
        title=region.cluster,
        title_justify="left",
    )
    for app in region.applications:
        table.add_row(f"{MARK[app.good]} {app.name}", app.sync, app.health, app.revision[:7], app.message)
    return table


def _rollouts(region: RegionState) -> Table:
    table = Table("Rollout", "phase", "active colour", "next colour", "weight", "ready", box=None)
    for each in region.rollouts:
        ready = f"{each.ready}/{each.desired}"
        table.add_row(each.name, each.phase, each.active, each.preview, f"{each.weight}%", ready)
    return table
