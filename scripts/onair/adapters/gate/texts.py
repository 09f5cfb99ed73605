"""What is wrong with the files themselves, whatever they render to: their YAML, and secrets in them.

Needs no other part of the gate: it begins, on another processor, while the rest is being loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from onair.adapters.gate import code, sources, tree
from onair.adapters.gate.aside import aside
from onair.adapters.gate.cache import Cache, key_of
from onair.core.change.hit import ALLOWED, Hit
from onair.core.finding import Finding

if TYPE_CHECKING:
    from onair.adapters.gate.changes import Change


class Source(NamedTuple):
    """The tree that is checked; of the working tree what git knows of each file, of a commit nothing."""

    tree: tree.Tree
    listing: Mapping[str, tree.Known]


def source_of(root: Path, head: str | None, repository: Path | None) -> Source:
    """Read the commit ``head``, or the working tree.

    Raises
    ------
    OnairError
        If git does not know it.
    """
    if head:
        return Source(tree.at(repository or root, head), {})
    listing = tree.listed(root)
    return Source(tree.read(root, listing=listing), listing)


def begin(root: Path, head: str | None, repository: Path | None, folder: Path | None) -> Callable[[], list[Finding]]:
    """Begin to judge the files in a copy of this process, and return what waits for the findings.

    Parameters
    ----------
    root, head, repository, folder
        As ``root`` of :func:`onair.adapters.gate.check.run`, and ``head``, ``repository`` and ``cache`` of its options.
    """
    return aside(lambda: _findings(root, head, repository, Cache(folder)))


def _findings(root: Path, head: str | None, repository: Path | None, cache: Cache) -> list[Finding]:
    source = source_of(root, head, repository)
    found = sources.findings(source.tree.files, cache, code.whole())
    return [*found, *_secrets(root, head, repository, source, cache)]


def _secrets(root: Path, head: str | None, repository: Path | None, source: Source, cache: Cache) -> list[Finding]:
    from onair.adapters.gate import secret_scan  # noqa: PLC0415

    with secret_scan.Scanner(cache) as scanner:
        if head:
            hits = secret_scan.of_commit(repository or root, head, scanner)
        else:
            hits = secret_scan.of_disk(root, source.listing, scanner)
    return _judged(source, hits, cache, whole=True)


def added_secrets(source: Source, change: Change, cache: Cache) -> list[Finding]:
    """Return the secrets in lines that a commit of the change adds, whether or not they are still there."""
    from onair.adapters.gate import secret_scan  # noqa: PLC0415

    # A memory beside the other scanner's: one for both would lose what one learned.
    with secret_scan.Scanner(cache, "added") as scanner:
        hits = secret_scan.scan_added(change.added(), scanner)
    return _judged(source, hits, cache, whole=False)


def _judged(source: Source, hits: list[Hit], cache: Cache, *, whole: bool) -> list[Finding]:
    # Reading the allow-list as a model takes longer than all else here.
    key = key_of("secrets", code.whole(), source.tree.files.get(ALLOWED, ""), json.dumps(hits), str(whole))
    return cache.clean(key, lambda: _not_allowed(source, hits, cache, whole=whole))


def _not_allowed(source: Source, hits: list[Hit], cache: Cache, *, whole: bool) -> list[Finding]:
    from onair.core.change import data, secrets  # noqa: PLC0415

    held = sources.facts(source.tree.files, cache).data
    allowed, faults = data.read(secrets.Allowed, ALLOWED, held.get(ALLOWED))
    if allowed is None:
        return faults if whole else []
    return secrets.judge(hits, allowed, whole=whole)
