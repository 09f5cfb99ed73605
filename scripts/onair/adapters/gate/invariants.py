"""Judges rules over many objects, in copies of this process; what is the same as when it was clean is not judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from onair.adapters.gate import code
from onair.adapters.gate.aside import aside, shares
from onair.adapters.gate.cache import Cache, key_of, key_of_files
from onair.adapters.gate.render import Synced
from onair.core.finding import Finding
from onair.core.gate.model import Estate, Rule

if TYPE_CHECKING:
    from onair.core.gate.invariants.rules import Task

COPIES = 2
MANY = 3000
"""Objects to be looked at from which a second copy saves more than it costs."""


def begin(estate: Estate, synced: Collection[Synced], cache: Cache) -> list[Callable[[], list[Finding]]]:
    """Begin to judge ``estate``, which ``synced`` bring, and return what waits for the findings."""
    from onair.core.gate.invariants.rules import tasks  # noqa: PLC0415 - its libraries are not needed by --help

    names = _Names(estate, synced)
    fresh = [(names.of(each), each) for each in tasks(estate)]
    fresh = [(key, each) for key, each in fresh if not cache.has("clean", key)]
    copies = COPIES if sum(map(_size, fresh)) >= MANY else min(1, len(fresh))
    divided = shares(fresh, _size, copies)
    return [aside(lambda share=share: list(_judged(share, cache))) for share in divided]  # type: ignore[misc]


def _size(named: tuple[str, Task]) -> int:
    return len(named[1].estate.objects)


def _judged(share: Iterable[tuple[str, Task]], cache: Cache) -> Iterator[Finding]:
    for key, task in share:
        found = [finding for rule in task.rules for finding in _of_rule(rule, task.estate, cache)]
        yield from found
        if key and not found:
            cache.put("clean", key, True)


def _of_rule(rule: Rule, estate: Estate, cache: Cache) -> Iterable[Finding]:
    if rule.check and rule.basis:
        key = key_of(rule.id, code.whole(), repr(rule.basis(estate)))
        return cache.clean(key, lambda: list(rule.check(estate)))  # type: ignore[misc]
    return rule.check(estate) if rule.check else ()


class _Names:
    """Names for what tasks are judged by; empty where the objects of a cluster cannot be named."""

    def __init__(self, estate: Estate, synced: Collection[Synced]) -> None:
        self._contents = _contents(synced)
        self._shared = key_of(code.whole(), repr(estate.platform), repr(estate.data))

    def of(self, task: Task) -> str:
        contents = [self._contents.get(each, "none") for each in task.clusters]
        if not all(contents):
            return ""
        facts, texts = repr(task.estate.clusters), key_of_files("", task.estate.texts)
        return key_of(self._shared, *(rule.id for rule in task.rules), *task.clusters, *contents, facts, texts)


def _contents(synced: Iterable[Synced]) -> Mapping[str, str]:
    parts: dict[str, list[str]] = {}
    unknown = set()
    for each in synced:
        parts.setdefault(each.application.cluster, []).append(repr(each.content))
        if not each.part.key:
            unknown.add(each.application.cluster)
    return {cluster: "" if cluster in unknown else key_of(*sorted(found)) for cluster, found in parts.items()}
