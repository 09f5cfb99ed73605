"""The ``onair`` command: one line here for each module in ``cli``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from onair.cli.context import INTERRUPTED
from onair.core.finding import OnairError

if TYPE_CHECKING:
    import typer
    from rich.console import Console

FINDINGS, COULD_NOT_RUN = 1, 2
AGAIN = "interrupted; the same command goes on from here"
FROM_THE_START = {"load", "viewers", "storm", "drill"}
"""Measurements: what is interrupted was told as far as it came, and the next one is another."""
COMMANDS = (
    "up",
    "down",
    "status",
    "check",
    "diff",
    "explain",
    "second-opinion",
    "release",
    "promote",
    "rollback",
    "prescale",
    "retire",
    "toolchain",
    "load",
    "viewers",
    "storm",
    "drill",
    "ip",
    "cloud",
    "bootstrap",
    "access",
    "bastion",
)
"""Each is a module of this package with a function ``command``, or a ``group`` of them."""
QUICK = "check"
"""Runs without Typer and Rich, which take longer to load than the gate to judge a change: its module has a ``main``."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line; where ``arguments`` name a command, only that one is loaded: all take a second."""
    import typer  # noqa: PLC0415 - see QUICK

    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="On Air: two active regions of a live-commerce shop, delivered from git.",
    )
    app.callback()(_group)
    for name in [arguments[0]] if arguments and arguments[0] in COMMANDS else COMMANDS:
        module = import_module(f"onair.cli.{name.replace('-', '_')}")
        if hasattr(module, "group"):
            app.add_typer(module.group, name=name)
        else:
            app.command(name)(module.command)
    return app


def _group() -> None:
    """Keep commands named where a single one is loaded."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exit 0 when all is well, 1 with findings, 2 when it could not run, 130 on Ctrl-C."""
    for stop in (signal.SIGINT, signal.SIGTERM):  # both clean up; a shell's background job would ignore the first
        signal.signal(stop, signal.default_int_handler)
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _run(words)
    except OnairError as error:
        from onair.cli import console  # noqa: PLC0415

        console.render(error.findings, _stderr())
        sys.exit(COULD_NOT_RUN)
    except (KeyboardInterrupt, SystemExit) as stop:  # Typer turns the one into the other
        measured = bool(FROM_THE_START.intersection(words[:1]))
        if isinstance(stop, SystemExit) and (stop.code != INTERRUPTED or measured):
            if arguments is None and words[:1] == [QUICK]:
                _leave(stop)
            raise
        _stderr().print("interrupted" if measured else AGAIN)
        sys.exit(INTERRUPTED)


def _run(words: Sequence[str]) -> None:
    if words[:1] == [QUICK]:
        sys.exit(import_module(f"onair.cli.{QUICK}").main(words[1:]))
    build(words)(args=words)


def _leave(stop: SystemExit) -> None:
    """End the process at once, where its code is plain: Python would take thousands of manifests apart one by one."""
    if isinstance(stop.code, int):
        with suppress(BrokenPipeError):  # nobody reads on
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(stop.code)


def _stderr() -> Console:
    from rich.console import Console  # noqa: PLC0415 - see QUICK

    return Console(stderr=True, highlight=False, soft_wrap=True)
