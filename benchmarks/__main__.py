"""``python -m benchmarks [NAME…]``: measure, then write docs/reports/benchmarks.md."""

from collections.abc import Callable
from typing import Annotated

import typer

from benchmarks import bad_releases, chat, client, defects, gate, holds, idle, pages, push, releases, up
from benchmarks.record import REPORT, Record

BENCHMARKS = ("bad_releases", "chat", "client", "defects", "gate", "holds", "idle", "pages", "push", "releases", "up")


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(BENCHMARKS)}; all by default.")] = None,
    *,
    cold: Annotated[int, typer.Option(help="Cold starts to time: each takes the platform down, cache and all.")] = 0,
    warm: Annotated[int, typer.Option(help="Warm starts to time: each takes the platform down.")] = 0,
    repeat: Annotated[int, typer.Option(help="Repeated starts to time.")] = 3,
    pushes: Annotated[int, typer.Option(help="Pushes to time with webhooks.")] = 10,
    races: Annotated[int, typer.Option(help="Races of the gate with the usual chain (minutes each).")] = 3,
    released: Annotated[int, typer.Option(help="Releases of every service, and bad ones (minutes each).")] = 3,
    rate: Annotated[float, typer.Option(help="Requests a second while services are released.")] = releases.RATE,
    polled: Annotated[int, typer.Option(help="Pushes to time without (minutes each).")] = 3,
) -> None:
    """Measure the running platform; cold and warm starts only when asked for."""
    unknown = set(names or ()) - set(BENCHMARKS)
    if unknown:
        raise typer.BadParameter(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
    actions: dict[str, Callable[[], Record]] = {
        "up": lambda: up.run(cold, warm, repeat),
        "bad_releases": lambda: bad_releases.run(released),
        "chat": chat.run,
        "client": client.run,
        "defects": defects.run,
        "gate": lambda: gate.run(races),
        "holds": holds.run,
        "idle": idle.run,
        "pages": pages.run,
        "push": lambda: push.run(pushes, polled),
        "releases": lambda: releases.run(released, rate),
    }
    missed = False
    for name, action in actions.items():
        if not names or name in names:
            typer.echo(f"{name} …")
            record = action()
            missed = missed or any(figure.met is False for figure in record.figures)
    typer.echo(REPORT.read_text(encoding="utf-8"))
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
