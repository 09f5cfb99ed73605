"""``onair bastion``: rehearse the bastion on a Debian that is booted here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onair.cli.context import ROOT

group = typer.Typer(no_args_is_help=True, help="Rehearse the bastion on a Debian that is booted on this machine.")
PeopleFile = Annotated[Path | None, typer.Option("--people", metavar="FILE", help="Instead of the repository's file.")]


@group.command()
def up(people: PeopleFile = None) -> None:
    """Boot a bare Debian 12, play the playbook on it twice, and leave it running."""
    from onair.adapters.bastion import rehearsal  # noqa: PLC0415 - --help does not need it
    from onair.cli.console import ConsoleReporter  # noqa: PLC0415

    rehearsal.up(ROOT, ConsoleReporter(), people)


@group.command()
def invite(person: str) -> None:
    """Print the one-time code for a person's first login, by which they enrol a second factor."""
    from onair.adapters.bastion import rehearsal  # noqa: PLC0415

    typer.echo(rehearsal.standing(ROOT).run("/usr/local/sbin/bastion-second-factor", "invite", person).stdout.strip())


@group.command()
def collect() -> None:
    """Take the bastion's records in until Ctrl-C; locally it stands in for CloudWatch Logs."""
    from onair.adapters.bastion import rehearsal  # noqa: PLC0415

    rehearsal.collect(ROOT)


@group.command()
def down() -> None:
    """Take the rehearsal away, its network and its records too."""
    from onair.adapters.bastion import rehearsal  # noqa: PLC0415

    rehearsal.down(ROOT)
