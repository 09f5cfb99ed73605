"""``onair cloud``: the base clouds, on an emulator or in an account."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from onair.cli.context import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onair.core.finding import Finding


class Action(StrEnum):
    """What to do."""

    PLAN = "plan"
    UP = "up"
    DOWN = "down"
    DATABASES = "databases"
    AUDIT = "audit"
    JUDGE = "judge"


def command(
    action: Annotated[
        Action, typer.Argument(help="plan, up, down, make the services' databases, audit, or judge a saved plan.")
    ],
    *,
    aws: Annotated[str, typer.Option(metavar="ACCOUNT", help="In this account of AWS, not on the emulator.")] = "",
    keep: Annotated[bool, typer.Option("--keep-emulator", help="After down, to look at what is left.")] = False,
    write: Annotated[
        bool, typer.Option("--facts", help="up: write the facts of clusters/ for the emulator too.")
    ] = False,
    root: Annotated[str, typer.Option(metavar="ROOT", help="judge: the plan's root, e.g. regional/prod-kr.")] = "",
    plan: Annotated[Path, typer.Option(help="judge: what terraform show -json said of it.")] = Path("plan.json"),
) -> None:
    """Build what the clusters stand on; exit 1 where a plan changes, an audit finds or a destroy leaves something."""
    from onair.adapters import facts_file  # noqa: PLC0415 - --help does not need it
    from onair.adapters.cloud import build, databases, inspection, outputs_file, place, plan_file  # noqa: PLC0415
    from onair.adapters.cloud import facts_file as cloud_file  # noqa: PLC0415
    from onair.cli import console  # noqa: PLC0415
    from onair.core.cloud.plan import judge, root_of  # noqa: PLC0415

    facts = facts_file.read(ROOT)
    if action is Action.JUDGE:
        wanted = root_of(root, facts.clusters)
        platform = facts.platform.spec.model_dump(by_alias=True)
        _told(list(judge(plan_file.read(plan), wanted, platform, facts.clusters)))
    spec = cloud_file.read(ROOT, facts)
    region = facts.clusters[spec.home].spec.cloud_region
    where = place.account(aws, region) if aws else place.emulator(ROOT, start=action in (Action.UP, Action.PLAN))
    estate = build.Estate(ROOT, where, facts, spec)
    reporter = console.ConsoleReporter()
    if action is Action.UP:
        build.up(estate, reporter)
        if write or not where.emulated:
            for file in outputs_file.write(estate):
                reporter.note(f"wrote {file}: commit it")
    elif action is Action.PLAN:
        changed = build.plan(estate, reporter)
        reporter.note(f"would change: {', '.join(changed) or 'nothing'}")
        raise typer.Exit(1 if changed else 0)
    elif action is Action.DATABASES:
        for done in databases.in_cloud(estate):
            reporter.note(done)
    elif action is Action.AUDIT:
        _told(inspection.audit(estate))
    else:
        found = build.down(estate, reporter)
        if where.emulated and not keep:
            place.stop(ROOT)
        _told(found)


def _told(found: Sequence[Finding]) -> None:
    """Draw what was found, and end."""
    from onair.cli import console  # noqa: PLC0415

    console.render(found, Console(highlight=False, soft_wrap=True))
    typer.echo(f"{len(found)} findings")
    raise typer.Exit(1 if found else 0)
