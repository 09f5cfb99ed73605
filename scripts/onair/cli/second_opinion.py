"""``onair second-opinion``."""

from __future__ import annotations

import typer
from rich.console import Console

from onair.adapters import second_opinion
from onair.adapters.gate.cache import default_folder
from onair.adapters.gate.render import render
from onair.cli import console
from onair.cli.context import ROOT


def command() -> None:
    """Let checkov and kubernetes-validate judge what the clusters run, and compare what they saw with what there is."""
    rendered = render(ROOT, cache=default_folder())
    seen = [*rendered.estate_objects, *rendered.brought]
    findings = [*rendered.findings, *second_opinion.ask(ROOT, seen)]
    console.render(findings, Console(highlight=False, soft_wrap=True))
    typer.echo(f"{len(seen)} objects, {len(findings)} findings")
    raise typer.Exit(1 if findings else 0)
