"""The ``onair`` command: one line here for each module in ``cli``."""

import signal
import sys
from collections.abc import Sequence

import typer
from rich.console import Console

from onair.cli import console, down, load, release, status, toolchain, up
from onair.core.finding import OnairError

FINDINGS, COULD_NOT_RUN, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="On Air: two active regions of a live-commerce shop, delivered from git.",
)
app.command("up")(up.command)
app.command("down")(down.command)
app.command("status")(status.command)
app.command("release")(release.command)
app.command("toolchain")(toolchain.command)
app.command("load")(load.command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exit 0 when all is well, 1 with findings, 2 when it could not run, 130 on Ctrl-C."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop cleans up as Ctrl-C does
    try:
        app(args=arguments)
    except OnairError as error:
        console.render(error.findings, stderr)
        sys.exit(COULD_NOT_RUN)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            stderr.print("interrupted; the same command goes on from here")
        raise
