"""``onair cloud``: the base clouds, on an emulator or in an account."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from onair.cli.context import ROOT


class Action(StrEnum):
    """What to do."""

    PLAN = "plan"
    UP = "up"
    DOWN = "down"
    AUDIT = "audit"


def command(
    action: Annotated[Action, typer.Argument(help="plan, up, down, or audit what is there.")],
    aws: Annotated[str, typer.Option(metavar="ACCOUNT", help="In this account of AWS, not on the emulator.")] = "",
    keep: Annotated[bool, typer.Option("--keep-emulator", help="After down, to look at what is left.")] = False,
) -> None:
    """Build what the clusters stand on; exit 1 where a plan would change something or the audit finds something."""
    from onair.adapters import facts_file  # noqa: PLC0415 - --help does not need it
    from onair.adapters.cloud import build, place  # noqa: PLC0415
    from onair.adapters.cloud import facts_file as cloud_file  # noqa: PLC0415
    from onair.cli import console  # noqa: PLC0415

    facts = facts_file.read(ROOT)
    spec = cloud_file.read(ROOT, facts)
    region = facts.clusters[spec.home].spec.cloud_region
    where = place.account(aws, region) if aws else place.emulator(ROOT, start=action in (Action.UP, Action.PLAN))
    estate = build.Estate(ROOT, where, facts, spec)
    reporter = console.ConsoleReporter()
    if action is Action.UP:
        build.up(estate, reporter)
    elif action is Action.DOWN:
        build.down(estate, reporter)
        if where.emulated and not keep:
            place.stop(ROOT)
    elif action is Action.PLAN:
        changed = build.plan(estate, reporter)
        reporter.note(f"would change: {', '.join(changed) or 'nothing'}")
        raise typer.Exit(1 if changed else 0)
    else:
        found = build.audit(estate)
        console.render(found, Console(highlight=False, soft_wrap=True))
        typer.echo(f"{len(found)} findings")
        raise typer.Exit(1 if found else 0)
