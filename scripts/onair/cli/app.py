"""The ``onair`` command: one line here for each module in ``cli``."""

import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from rich.console import Console

from onair.cli import console
from onair.core.finding import OnairError

FINDINGS, COULD_NOT_RUN, INTERRUPTED = 1, 2, 130
COMMANDS = (
    "up",
    "down",
    "status",
    "check",
    "diff",
    "explain",
    "second-opinion",
    "release",
    "retire",
    "toolchain",
    "load",
)
"""Each is a module of this package with a function ``command``."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line; where ``arguments`` name a command, only that one is loaded: all take a second."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="On Air: two active regions of a live-commerce shop, delivered from git.",
    )
    app.callback()(_group)
    for name in [arguments[0]] if arguments and arguments[0] in COMMANDS else COMMANDS:
        module = import_module(f"onair.cli.{name.replace('-', '_')}")
        app.command(name)(module.command)
    return app


def _group() -> None:
    """Keep commands named where a single one is loaded."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exit 0 when all is well, 1 with findings, 2 when it could not run, 130 on Ctrl-C."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    for stop in (signal.SIGINT, signal.SIGTERM):  # both clean up; a shell's background job would ignore the first
        signal.signal(stop, signal.default_int_handler)
    try:
        build(sys.argv[1:] if arguments is None else arguments)(args=arguments)
    except OnairError as error:
        console.render(error.findings, stderr)
        sys.exit(COULD_NOT_RUN)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            stderr.print("interrupted; the same command goes on from here")
        raise
