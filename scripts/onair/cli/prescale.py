"""``onair prescale``: more pods of each service before a show begins, and as many as usual after it, by a commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
import yaml

from onair.adapters import facts_file, git_commit
from onair.adapters.local import git
from onair.cli.context import ROOT
from onair.core.change import data, stage
from onair.core.change.freeze import FREEZE, Freeze
from onair.core.finding import Finding, OnairError
from onair.core.gate.naming import PLATFORM


def command(
    *,
    at: Annotated[
        str | None, typer.Option(help="A time with its offset, instead of now: 2026-12-01T19:00+09:00.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be committed.")] = False,
) -> None:
    """Commit the fewest pods that the calendar of shows (clusters/platform/freeze.yaml) asks for, if it is another."""
    now = _moment(at)
    content = yaml.safe_load((ROOT / FREEZE).read_text(encoding="utf-8"))
    calendar, faults = data.read(Freeze, FREEZE, content)
    if calendar is None:
        raise OnairError(*faults)
    current = facts_file.read(ROOT).platform.spec.stage
    replicas, why = stage.wanted(calendar, current, now)
    if replicas == current.replicas:
        typer.echo(f"every service has at least {replicas} pods already: {why}")
        return
    if dry_run:
        typer.echo(f"would commit at least {replicas} pods of each service in place of {current.replicas}: {why}")
        return
    text = git.run(ROOT, "show", f"HEAD:{PLATFORM}") + "\n"
    message = f"Keep at least {replicas} pods of each service\n\nBefore: {current.replicas}\nCalendar: {why}\n"
    head = git.run(ROOT, "rev-parse", "HEAD")
    files = {PLATFORM: stage.with_replicas(text, replicas)}
    commit = git_commit.commit_files(ROOT, [head], head, files, message)
    git_commit.move_head(ROOT, commit, "onair prescale")
    typer.echo(f"at least {replicas} pods of each service ({commit[:7]}): {why}; deliver it before the freeze")


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise OnairError(Finding(rule="prescale/at", what=f"--at: {error}", mend="2026-12-01T19:00+09:00")) from error
    if found.tzinfo is None:
        what = f"--at: {text} has no offset from UTC: whose time is it?"
        raise OnairError(Finding(rule="prescale/at", what=what, mend=f"{text}+09:00"))
    return found
