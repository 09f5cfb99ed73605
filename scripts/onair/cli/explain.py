"""``onair explain``: why a rule is a rule."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from onair.cli.context import ROOT
from onair.core.finding import Finding, OnairError


def command(
    rule: Annotated[str, typer.Argument(help="E.g. policy/probes; every rule by name when none is given.")] = "",
) -> None:
    """Tell why RULE is a rule, with a bad and a good example."""
    from onair.adapters.gate import rulebook  # noqa: PLC0415 - --help does not need it

    rules, out = rulebook.read(ROOT), Console(highlight=False)
    if not rule:
        for name in sorted(rules):
            out.print(f"[bold]{name}[/]  [dim]{escape(rules[name].why.splitlines()[0])}[/]", soft_wrap=True)
        return
    if rule not in rules:
        near = get_close_matches(rule, rules, n=3) or sorted(each for each in rules if rule in each)[:3]
        mend = f"did you mean {', '.join(near)}?" if near else "onair explain lists all"
        raise OnairError(Finding(rule="explain/unknown", what=f"there is no rule {rule!r}", mend=mend))
    found = rules[rule]
    out.print(f"[bold]{found.id}[/]\n{escape(found.why)}", soft_wrap=True)
    for title, example in (("bad", found.bad), ("good", found.good)):
        out.print(f"\n[bold {'red' if title == 'bad' else 'green'}]{title}[/]")
        out.print(Syntax(example.rstrip(), "yaml", background_color="default", word_wrap=True))
