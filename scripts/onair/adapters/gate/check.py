"""The gate's pipeline: reads a tree, renders it, and asks every rule."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from onair.adapters.gate import code, invariants, policies, sources, texts, tree
from onair.adapters.gate.aside import aside
from onair.adapters.gate.cache import Cache
from onair.adapters.gate.parts import Parts
from onair.adapters.gate.render import Rendered, render_files
from onair.adapters.gate.verdicts import Rules, Verdicts, ready, rules_key
from onair.core.finding import Finding, OnairError
from onair.core.gate.fold import fold
from onair.core.gate.locate import locator
from onair.core.gate.model import Estate
from onair.core.progress import SILENT, Reporter
from onair.core.report.model import Counts, Report, ordered

if TYPE_CHECKING:
    from onair.adapters.gate.changes import Change
    from onair.core.change.check import Verdict
    from onair.core.gate.policy.expressions import Environment
    from onair.core.gate.policy.model import Policies


@dataclass(frozen=True)
class Options:
    """What to check, and against what.

    Attributes
    ----------
    now
        When it would be delivered, with a time zone: exceptions and freezes are measured by it.
    base
        Branch or commit that the clusters follow; None checks the tree alone.
    head
        The commit to check; None for the working tree.
    repository
        Where git is asked, when that is not the checked folder (a bare repository in a hook).
    emergency
        Why a freeze does not hold; a trailer of a commit says it as well.
    delivers_to
        Clusters that follow the branch which the change goes to; None means all.
    cache
        Folder of what need not be done again; None for none.
    jobs
        How many programs run at once.
    reporter
        Is told what is going on.
    """

    now: datetime
    base: str | None = None
    head: str | None = None
    repository: Path | None = None
    emergency: str = ""
    delivers_to: Collection[str] | None = None
    cache: Path | None = None
    jobs: int = 2
    reporter: Reporter = SILENT


@dataclass(frozen=True)
class Checked:
    """A tree as read, rendered and put together."""

    files: Mapping[str, str]
    rendered: Rendered
    estate: Estate
    findings: list[Finding]


def run(root: Path, options: Options, of_files: Callable[[], list[Finding]] | None = None) -> Report:
    """Check the repository at ``root``.

    Parameters
    ----------
    of_files
        What :func:`onair.adapters.gate.texts.begin` returned, for who began that before loading this module.

    Raises
    ------
    OnairError
        If it cannot be checked at all: git does not know ``base``, there is nothing to render with.
    """
    began = time.monotonic()
    cache, parts = Cache(options.cache), Parts()
    of_files = of_files or texts.begin(root, options.head, options.repository, options.cache)
    source = texts.source_of(root, options.head, options.repository)
    with ThreadPoolExecutor(2) as threads:  # while programs render, this thread does what needs no objects
        under_way = threading.Event()
        reading = threads.submit(_read, root, options, source.tree, parts, under_way)
        reading.add_done_callback(lambda _: under_way.set())
        under_way.wait()  # or the programs, which run on another processor, would start when all else is done
        change = _since(root, options, source) if options.base else None
        before = threads.submit(_before, root, options, source, change, parts) if change else None
        held, faults = policies.of(source.tree.files, cache)
        findings = [*source.tree.findings, *faults, *(texts.added_secrets(source, change, cache) if change else ())]
        rules = len(held.policies) + _invariants()
        environment = None if reading.done() else ready(held, reading.done)
        found = reading.result()
    findings += found.rendered.findings
    elsewhere = [of_files, *invariants.begin(found.estate, found.rendered.synced, cache)]
    told = aside(lambda: _told(options, found, before.result(), change)) if change and before else None
    verdicts = Verdicts(found.estate, found.rendered.synced, _rules(options, found, held, environment))
    findings += verdicts.findings(options.reporter)
    findings += [finding for result in elsewhere for finding in result()]
    of_change, markdown = told() if told else ((), "")
    findings += of_change
    return Report(
        checked=_counts(found, rules, verdicts.reused),
        findings=ordered(fold(findings, found.estate.clusters)),
        seconds=time.monotonic() - began,
        version=code.versions().get("onair", "0"),
        base=options.base,
        change=markdown,
    )


def read(root: Path, options: Options) -> Checked:
    """Read and render the tree that ``options`` name."""
    return _read(root, options, texts.source_of(root, options.head, options.repository).tree, Parts())


def _read(
    root: Path, options: Options, found: tree.Tree, parts: Parts, under_way: threading.Event | None = None
) -> Checked:
    rendered = _rendered(root, options, found.files, parts, under_way)
    facts = sources.facts(found.files, Cache(options.cache))
    estate = Estate(
        objects=rendered.slim_objects,
        clusters=facts.clusters,
        platform=facts.platform,
        data=facts.data,
        texts=found.files,
        locate=locator(found.files, rendered.reach_by_leaf),
        brought=rendered.brought,
        whole=rendered.whole,
    )
    return Checked(found.files, rendered, estate, found.findings)


def _before(root: Path, options: Options, source: texts.Source, change: Change, parts: Parts) -> Rendered:
    """Render what the change started from."""
    known = tree.texts_by_blob(source.tree.files, source.listing)
    return _rendered(root, options, tree.at(options.repository or root, change.fork, texts=known).files, parts)


def _rendered(
    root: Path, options: Options, files: Mapping[str, str], parts: Parts, under_way: threading.Event | None = None
) -> Rendered:
    return render_files(
        files,
        root=root,
        jobs=options.jobs,
        cache=options.cache,
        reporter=options.reporter,
        parts=parts,
        under_way=under_way,
    )


def _rules(options: Options, found: Checked, held: Policies, environment: Environment | None) -> Rules:
    today = options.now.date()
    live = [each.until >= today for each in held.exemptions]
    kubernetes = str(found.estate.platform.get("versions", {}).get("kubernetes", ""))
    key = rules_key(policies.texts(found.files).values(), (code.whole(), kubernetes), live)
    return Rules(kubernetes, held, key, today, options.cache, environment)


def _invariants() -> int:
    """Load the rules over many objects and return how many there are."""
    from onair.core.gate.invariants.rules import RULES  # noqa: PLC0415 - its libraries are not needed by --help

    return len(RULES)


def difference(root: Path, options: Options) -> str:
    """Return what a change would do to every cluster, as Markdown.

    Raises
    ------
    OnairError
        If git does not know ``options.base`` or ``options.head``, or a side does not render.
    """
    source, parts = texts.source_of(root, options.head, options.repository), Parts()
    change = _since(root, options, source)
    found = _read(root, options, source.tree, parts)
    if found.rendered.findings:
        raise OnairError(*found.rendered.findings)
    return _shown(_judged(options, found, _before(root, options, source, change, parts), change))


def _told(options: Options, found: Checked, old: Rendered, change: Change) -> tuple[list[Finding], str]:
    """Judge a change and return what speaks against it, and what it would do."""
    verdict = _judged(options, found, old, change)
    return verdict.findings, _shown(verdict)


def _shown(verdict: Verdict) -> str:
    from onair.core.change.markdown import markdown  # noqa: PLC0415

    return markdown(verdict.changes, appearing=verdict.appearing, vanishing=verdict.vanishing, pruned=verdict.pruned)


def _since(root: Path, options: Options, source: texts.Source) -> Change:
    from onair.adapters.gate import changes  # noqa: PLC0415

    return changes.since(options.repository or root, str(options.base), options.head, source.listing)


def _judged(options: Options, found: Checked, old: Rendered, change: Change) -> Verdict:
    from onair.core.change import check  # noqa: PLC0415

    new = found.rendered
    emergency = options.emergency or change.emergency
    return check.check(
        check.Side(old.slim_objects, old.applications, old.without(new)),
        check.Side(new.slim_objects, new.applications, new.without(old)),
        found.estate,
        change.texts,
        check.Circumstances(options.now, change.history, emergency, options.delivers_to),
    )


def _counts(found: Checked, rules: int, reused: int) -> Counts:
    kinds = Counter(each.kind for each in found.estate.objects)
    return Counts(
        clusters=len(found.estate.clusters),
        applications=len(found.rendered.applications),
        objects=len(found.estate.objects),
        by_kind=dict(kinds.most_common()),
        files=len(found.files),
        rules=rules,
        reused=reused,
    )
