"""``onair access``: who may enter, who may do what, and who did."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onair.cli.context import ROOT
from onair.core.access.kubeconfig import PROXY

group = typer.Typer(no_args_is_help=True, help="Who may enter, who may do what, and who did what.")
PeopleFile = Annotated[Path | None, typer.Option("--people", metavar="FILE", help="Instead of the repository's file.")]


@group.command()
def people(file: PeopleFile = None) -> None:
    """Judge the people's file and list who may enter until when."""
    from onair.adapters import people_file  # noqa: PLC0415 - --help does not need it
    from onair.cli import console  # noqa: PLC0415

    today = datetime.now(UTC).date()
    spec, warnings = people_file.read(ROOT, today, file)
    out = Console(highlight=False, soft_wrap=True)
    table = Table("person", "called", "groups", "until", "keys", box=None)
    for each in spec.standing(today):
        table.add_row(each.name, each.called, ", ".join(each.groups), f"{each.until}", f"{len(each.keys)}")
    out.print(table)
    console.render(warnings, out)


@group.command()
def bastion(cluster: str, file: PeopleFile = None) -> None:
    """Print what the bastion's playbook is told, as JSON."""
    from onair.adapters import facts_file, people_file  # noqa: PLC0415
    from onair.core.access import bastion as core  # noqa: PLC0415

    today = datetime.now(UTC).date()
    spec, _ = people_file.read(ROOT, today, file)
    facts = facts_file.read(ROOT)
    typer.echo(json.dumps(core.variables(facts, facts.cluster(cluster), spec, today)))


@group.command()
def who_can(
    verb: Annotated[str, typer.Argument(help="get, list, watch, create, update, patch, delete …")],
    resource: Annotated[str, typer.Argument(help="Plural, e.g. pods, pods/exec, rollouts.argoproj.io.")],
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="All of them when not given.")] = "",
    cluster: Annotated[str, typer.Option(help="Whose manifests.")] = "local-kr",
) -> None:
    """Say who may do it, by which binding, out of what a cluster's git has; exit 1 when nobody may."""
    from onair.adapters import facts_file  # noqa: PLC0415
    from onair.adapters.access import manifests  # noqa: PLC0415
    from onair.core.access import rbac  # noqa: PLC0415

    name = facts_file.read(ROOT).cluster(cluster).name
    held = manifests.of_cluster(ROOT, name)
    plural, api = rbac.api_group(held, resource)
    asked = rbac.Asked(verb, plural, api, namespace)
    found = rbac.who_can(held, asked)
    table = Table("who", "in", "by", "which binds", box=None)
    for subject, grant in found.items():
        table.add_row(f"{subject}", grant.namespace or "every namespace", grant.binding, grant.role)
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"{asked} on {name}:" if found else f"nobody may {asked} on {name}")
    if not found:
        raise typer.Exit(1)
    out.print(table)


@group.command()
def matrix(write: Annotated[bool, typer.Option("--write", help="Renew the document.")] = False) -> None:
    """Show what each group of people may do in a cluster."""
    from onair.adapters import people_file  # noqa: PLC0415
    from onair.adapters.access import manifests  # noqa: PLC0415
    from onair.adapters.local import files  # noqa: PLC0415
    from onair.core.access.matrix import DOCUMENT, answers, markdown, rows  # noqa: PLC0415

    people, _ = people_file.read(ROOT, datetime.now(UTC).date())
    held = manifests.of_people(ROOT)
    if write:
        files.write({ROOT / DOCUMENT: markdown(held, people.groups)}, mode=0o644)
        return
    table = Table("may", *people.groups, box=None)
    for row in rows():
        found = answers(held, people.groups, row)
        table.add_row(row.what, *("yes" if v else "partly" if v is None else "no" for v in found.values()))
    Console(highlight=False).print(table)


@group.command()
def log(
    who: Annotated[str, typer.Option(help="Only this person, account or workload.")] = "",
    since: Annotated[str, typer.Option(help="30m, 12h, 7d, or a date.")] = "1d",
    source: Annotated[str, typer.Option(help="shop, edge, kubernetes, ssh, session, terminal, sudo, ban …")] = "",
    form: Annotated[str, typer.Option("--format", help="text, or json: one record a line.")] = "text",
    folder: Annotated[Path | None, typer.Option("--records", help="Of another bastion's collector.")] = None,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Only tell whether any kept record was changed.")] = False,
) -> None:
    """Show who did what, when and from where: in the shop, at the edge, in the local regions, on the bastion."""
    from onair.adapters.access import records as adapter  # noqa: PLC0415
    from onair.core.access import records  # noqa: PLC0415
    from onair.core.finding import Finding, OnairError  # noqa: PLC0415

    if verify:
        for store, place in ((adapter.store(folder), "bastion"), (adapter.platform_store(), "shop and the edge")):
            typer.echo(f"{store.verify():,} records of the {place} are as they were written")
        return
    if source and source not in records.SOURCES:
        mend = f"one of: {', '.join(records.SOURCES)}"
        raise OnairError(Finding(rule="access/source", what=f"there is no source {source!r}", mend=mend))
    try:
        after = records.since(since, datetime.now(UTC))
    except ValueError as error:
        what = f"--since {since!r} is no time"
        mend = "write 30m, 12h, 7d, or a date such as 2026-11-29"
        raise OnairError(Finding(rule="access/since", what=what, mend=mend)) from error
    found = sorted(records.chosen(adapter.kept(ROOT, after, folder), who, after, source))
    if form == "json":
        for each in found:
            typer.echo(each.as_json())
        return
    table = Table("when", "who", "from", "what", "result", "source", "place", box=None)
    for each in found:
        when = f"{each.time:%Y-%m-%d %H:%M:%S}"
        table.add_row(when, each.who, each.origin, escape(each.what), each.result, each.source, each.place)
    Console(highlight=False, soft_wrap=True).print(table)


@group.command()
def credential(
    cluster: Annotated[str, typer.Argument(help="A local region.")],
    person: Annotated[str, typer.Argument(help="Somebody of the people's file.")],
    file: PeopleFile = None,
) -> None:
    """Print an hour's credential for a local region, as kubectl's exec plugins do."""
    from onair.adapters import facts_file, people_file  # noqa: PLC0415
    from onair.adapters.access import credential as adapter  # noqa: PLC0415
    from onair.core.paths import Paths  # noqa: PLC0415

    now = datetime.now(UTC)
    people, _ = people_file.read(ROOT, now.date(), file)
    who = adapter.entitled(people, person, now.date())
    pki = Paths.of().pki(facts_file.read(ROOT).cluster(cluster).name)
    typer.echo(json.dumps(adapter.exec_credential(pki, who.name, who.groups, now)))


@group.command()
def kubeconfig(
    cluster: Annotated[str, typer.Argument(help="A local region.")],
    person: Annotated[str, typer.Argument(help="Somebody of the people's file.")],
    proxy: Annotated[str, typer.Option(help="Where ssh -N -D listens.")] = PROXY,
    file: PeopleFile = None,
) -> None:
    """Print a kubeconfig by which a person's kubectl comes to a region through the bastion."""
    from onair.adapters import facts_file, people_file  # noqa: PLC0415
    from onair.adapters.access import credential as adapter  # noqa: PLC0415
    from onair.core.access import kubeconfig as core  # noqa: PLC0415
    from onair.core.paths import Paths  # noqa: PLC0415

    today = datetime.now(UTC).date()
    people, _ = people_file.read(ROOT, today, file)
    who, found = adapter.entitled(people, person, today), facts_file.read(ROOT).cluster(cluster)
    words = [sys.executable, "-m", "onair", "access", "credential", found.name, who.name]
    words += ["--people", str(file.resolve())] if file else []
    server, authority = adapter.reached(found, Paths.of().pki(found.name))
    typer.echo(core.kubeconfig(found.name, server, authority, words, proxy))


@group.command()
def code(
    person: Annotated[str, typer.Argument(help="Somebody of the people's file.")], file: PeopleFile = None
) -> None:
    """Print a code by which a person signs in to Argo CD of a local region, once and within five minutes."""
    from onair.adapters import people_file  # noqa: PLC0415
    from onair.adapters.access import code as adapter  # noqa: PLC0415
    from onair.adapters.access.credential import entitled  # noqa: PLC0415
    from onair.adapters.local import shared_secrets  # noqa: PLC0415
    from onair.adapters.local.platform import LocalPlatform  # noqa: PLC0415

    now = datetime.now(UTC)
    people, _ = people_file.read(ROOT, now.date(), file)
    who = entitled(people, person, now.date())
    key = shared_secrets.kept(LocalPlatform.open(ROOT))[adapter.SECRET][adapter.KEY]
    typer.echo(adapter.code(key, who.name, who.groups, now))
