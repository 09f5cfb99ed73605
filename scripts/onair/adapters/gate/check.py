"""The gate's pipeline: reads a tree, renders it, and asks every rule."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache as once
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from onair.adapters.gate import policies, sources, tree
from onair.adapters.gate.cache import Cache, key_of
from onair.adapters.gate.render import Rendered, render_files
from onair.adapters.gate.verdicts import Rules, Verdicts, rules_key
from onair.core.finding import Finding, OnairError
from onair.core.gate.fold import fold
from onair.core.gate.locate import locator
from onair.core.gate.model import Estate, Rule
from onair.core.report.model import Counts, Report, ordered

if TYPE_CHECKING:
    from onair.adapters.gate.changes import Change
    from onair.core.change.check import Verdict

PACKAGES = ("cel-expr-python", "detect-secrets", "jsonschema-rs", "kubernetes-validate", "promql-parser", "pyyaml")
"""Libraries whose verdicts are remembered: another version judges again."""
_CODE = ("core", "adapters/gate")
_SECRETS = "clusters/platform/allowed-secrets.yaml"


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
    """

    now: datetime
    base: str | None = None
    head: str | None = None
    repository: Path | None = None
    emergency: str = ""
    delivers_to: Collection[str] | None = None
    cache: Path | None = None
    jobs: int = 2


@dataclass(frozen=True)
class Checked:
    """A tree as read, rendered and put together."""

    files: Mapping[str, str]
    rendered: Rendered
    estate: Estate
    findings: list[Finding]


def run(root: Path, options: Options) -> Report:
    """Check the repository at ``root``.

    Raises
    ------
    OnairError
        If it cannot be checked at all: git does not know ``base``, there is nothing to render with.
    """
    began = time.monotonic()
    found = read(root, options)
    cache = Cache(options.cache)
    findings = [*found.findings, *found.rendered.findings, *sources.findings(found.files, cache, code())]
    held, faults = policies.of(found.files)
    findings += faults
    today = options.now.date()
    key = rules_key(policies.texts(found.files).values(), code(), [each.until >= today for each in held.exemptions])
    kubernetes = str(found.estate.platform.get("versions", {}).get("kubernetes", ""))
    verdicts = Verdicts(found.estate, found.rendered.synced, Rules(kubernetes, held, key, today, options.cache))
    findings += verdicts.findings()
    invariants = _invariants()
    findings += [finding for rule in invariants if rule.check for finding in rule.check(found.estate)]
    change = _since(root, options) if options.base else None
    findings += _secrets(root, options, found.estate, change)
    verdict = _judged(root, options, found, change) if change else None
    findings += verdict.findings if verdict else []
    return Report(
        checked=_counts(found, len(held.policies) + len(invariants), verdicts.reused),
        findings=ordered(fold(findings, found.estate.clusters)),
        seconds=time.monotonic() - began,
        version=version("onair"),
        base=options.base,
        change=_shown(verdict) if verdict else "",
    )


def read(root: Path, options: Options) -> Checked:
    """Read and render the tree that ``options`` name."""
    files, faults = tree.at(options.repository or root, options.head) if options.head else tree.read(root)
    rendered = _rendered(root, options, files)
    estate = Estate(
        objects=rendered.estate_objects,
        clusters=sources.clusters(files),
        platform=sources.platform(files),
        data=sources.data(files),
        texts=files,
        locate=locator(files, rendered.reach_by_leaf),
    )
    return Checked(files, rendered, estate, faults)


def _rendered(root: Path, options: Options, files: Mapping[str, str]) -> Rendered:
    return render_files(files, root=root, jobs=options.jobs, cache=options.cache)


def _invariants() -> tuple[Rule, ...]:
    from onair.core.gate.invariants.rules import RULES  # noqa: PLC0415 - its libraries are not needed by --help

    return RULES


def _secrets(root: Path, options: Options, estate: Estate, change: Change | None) -> list[Finding]:
    from onair.adapters.gate import secret_scan  # noqa: PLC0415
    from onair.core.change import data, secrets  # noqa: PLC0415

    allowed, faults = data.read(secrets.Allowed, _SECRETS, estate.data.get(_SECRETS))
    if allowed is None:
        return faults
    if options.head:
        files = secret_scan.of_commit(options.repository or root, options.head)
    else:
        files = secret_scan.contents(root, secret_scan.listed(root))
    store = options.cache / "secrets" if options.cache else None
    findings = secrets.judge(secret_scan.scan(files, store), allowed, whole=True)
    if change:
        findings += secrets.judge(secret_scan.scan_added(change.added()), allowed, whole=False)
    return findings


def difference(root: Path, options: Options) -> str:
    """Return what a change would do to every cluster, as Markdown.

    Raises
    ------
    OnairError
        If git does not know ``options.base`` or ``options.head``, or a side does not render.
    """
    found = read(root, options)
    if found.rendered.findings:
        raise OnairError(*found.rendered.findings)
    return _shown(_judged(root, options, found, _since(root, options)))


def _shown(verdict: Verdict) -> str:
    from onair.core.change.markdown import markdown  # noqa: PLC0415

    return markdown(verdict.changes, appearing=verdict.appearing, vanishing=verdict.vanishing, pruned=verdict.pruned)


def _since(root: Path, options: Options) -> Change:
    from onair.adapters.gate import changes  # noqa: PLC0415

    return changes.since(options.repository or root, str(options.base), options.head)


def _judged(root: Path, options: Options, found: Checked, change: Change) -> Verdict:
    from onair.core.change import check  # noqa: PLC0415

    old = _rendered(root, options, tree.at(options.repository or root, change.fork).files)
    emergency = options.emergency or change.emergency
    return check.check(
        check.Before(old.estate_objects, old.applications),
        found.estate,
        found.rendered.applications,
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


@once
def code() -> str:
    """Return a name for the code that judges, its libraries included."""
    top = Path(__file__).resolve().parents[2]
    total = hashlib.sha256()
    for folder in _CODE:
        for path in sorted((top / folder).rglob("*.py")):
            total.update(path.read_bytes())
    return key_of(total.hexdigest(), *(f"{each}=={version(each)}" for each in PACKAGES))
