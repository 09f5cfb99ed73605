"""``onair down``: take the local regions away."""

from __future__ import annotations

from typing import Annotated

import typer

from onair.adapters.local import teardown
from onair.cli.console import ConsoleReporter
from onair.core.paths import Paths


def command(
    purge: Annotated[bool, typer.Option("--purge", help="Delete the cache (programs, images) too.")] = False,
) -> None:
    """Remove every process, namespace, mount, link, cgroup and file of the regions; the cache stays."""
    teardown.down(Paths.of(), ConsoleReporter(), purge=purge)
