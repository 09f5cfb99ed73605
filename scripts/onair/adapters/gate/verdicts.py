"""Judges single objects by schemas and policies; what was judged before, by the same rules, is remembered."""

from __future__ import annotations

import marshal
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from onair.adapters.gate.aside import aside, shares
from onair.adapters.gate.cache import Cache, key_of
from onair.adapters.gate.render import Synced
from onair.core.finding import Finding
from onair.core.gate.model import Estate, Object
from onair.core.progress import Reporter, Step

if TYPE_CHECKING:
    from onair.core.gate.policy.expressions import Environment
    from onair.core.gate.policy.judge import Judge
    from onair.core.gate.policy.model import Policies
    from onair.core.gate.schema.schemas import Schemas

_AREA = "verdicts"
_Verdict = tuple[list[dict[str, Any]], list[int]]
"""The findings of an Application, and the positions of the exceptions that it needs."""
_Fresh = tuple[Synced, Mapping[str, list[int]]]
"""An Application to be judged, and the exceptions that its objects need which are known to be clean."""
MANY = 200
"""Objects from which a copy of this process saves more time than it takes to make one."""
_READ_BY = ("adapters.gate.yaml_read", "core.gate.schema.check", "adapters.gate.schemas")
"""What reads and judges objects, in the order in which it is needed."""


def ready(found: Policies, enough: Callable[[], bool]) -> Environment:
    """Load what judges and compile the policies until it is ``enough``: for who has to wait for objects anyway."""
    from onair.core.gate.policy.expressions import Environment  # noqa: PLC0415 - 0.1 s that a known leaf saves
    from onair.core.gate.policy.read import compile_ahead  # noqa: PLC0415

    for name in _READ_BY:
        import_module(f"onair.{name}")
    environment = Environment()
    for _ in compile_ahead(found, environment):
        if enough():
            break
    return environment


class Rules(NamedTuple):
    """What single objects are judged by.

    Attributes
    ----------
    version
        Kubernetes' version on the clusters.
    policies
        The policies and their exceptions.
    key
        Names the rules: the code, the policies, the versions.
    today
        The day that exceptions are measured by.
    folder
        Where the gate's cache is; None for none.
    environment
        Where the policies were compiled (:func:`ready`); None where they were not.
    """

    version: str
    policies: Policies
    key: str
    today: date
    folder: Path | None
    environment: Environment | None = None


class Verdicts:
    """The verdicts on one estate."""

    def __init__(self, estate: Estate, synced: Sequence[Synced], rules: Rules) -> None:
        self._estate, self._synced, self._rules = estate, synced, rules
        self._cache = Cache(rules.folder)
        self._tools: tuple[Schemas, Judge] | None = None
        self.reused = 0

    def findings(self, reporter: Reporter) -> list[Finding]:
        """Return what is wrong with single objects, and with exceptions that excuse nothing."""
        from onair.core.gate.policy.findings import of_exceptions  # noqa: PLC0415 - see Verdicts._judged

        found: list[Finding] = []
        used: set[int] = set()
        with reporter.step("judge", len(self._synced)) as step:
            for dumped, exemptions in self._all(step):
                found += [Finding(**values) for values in dumped]
                used.update(exemptions)
        in_use = {self._rules.policies.exemptions[index] for index in used}
        return found + self._expressions() + of_exceptions(self._rules.policies, in_use, self._rules.today)

    def _expressions(self) -> list[Finding]:
        """Return what is wrong with the policies' expressions, those too that no object meets."""
        key = key_of("expressions", self._rules.key)
        if (kept := self._cache.get(_AREA, key)) is None:
            from onair.core.gate.policy.expressions import Environment  # noqa: PLC0415 - see Verdicts._judged
            from onair.core.gate.policy.read import expressions  # noqa: PLC0415

            kept = [asdict(finding) for finding in expressions(self._rules.policies, Environment())]
            self._cache.put(_AREA, key, kept)
        return [Finding(**values) for values in kept]

    def _all(self, step: Step) -> Iterator[_Verdict]:
        """Iterate over the verdicts on all Applications; of many new ones, a copy of this process judges half."""
        memory = _Memory(self._cache, self._rules.key, self._surroundings())
        fresh = list[_Fresh]()
        for each in self._synced:
            kept = memory.of(each)
            if kept and each.part.key == kept.part:
                self.reused += 1
                step.advance()
                yield kept.verdict
            else:
                fresh.append((each, kept.clean if kept else {}))
        mine, others = shares(fresh, _size, 2) if sum(map(_size, fresh)) >= MANY else (fresh, [])
        if others:
            self._loaded()  # once for both
        result = aside(lambda: [self._judged(*each) for each in others]) if others else list
        judged = []
        for one in mine:
            judged.append(self._judged(*one))
            step.advance()
        judged += result()
        step.advance(len(others))
        for (each, _), record in zip((*mine, *others), judged, strict=True):
            memory.keep(each, record)
            yield record.verdict
        memory.write()

    def _judged(self, each: Synced, known: Mapping[str, list[int]]) -> _Record:
        """Judge the objects that were not clean when the Application was last judged, or not the same.

        Only that an object is clean is remembered by its content (with the exceptions that it needs for it): where a
        fault is written depends on files.
        """
        names = [_content(found) for found in each.slim]
        fresh = [at for at, name in enumerate(names) if name not in known]
        clean = {name: known[name] for name in names if name in known}
        used = {index for indices in clean.values() for index in indices}
        found: list[Finding] = []
        if fresh:
            found, needed = self._afresh([each.objects[at] for at in fresh])
            used.update(*needed)
            if not found:
                clean |= {names[at]: sorted(indices) for at, indices in zip(fresh, needed, strict=True) if names[at]}
        return _Record(each.part.key, ([asdict(finding) for finding in found], sorted(used)), clean)

    def _afresh(self, objects: Sequence[Object]) -> tuple[list[Finding], list[set[int]]]:
        """Return what is wrong with objects, and the exceptions that each of them needs."""
        from onair.core.gate.policy import findings as policies  # noqa: PLC0415 - 0.1 s that a known leaf saves
        from onair.core.gate.schema import check as schema  # noqa: PLC0415

        schemas, judge = self._loaded()
        verdicts = [list(judge.judge(found)) for found in objects]
        found = list(schema.findings(self._estate, schemas, objects))
        broken = [verdict for each in verdicts for verdict in each]
        found += policies.of_objects(self._estate, self._rules.policies, broken, self._rules.today)
        in_use = [policies.used(self._rules.policies, each) for each in verdicts]
        exemptions = self._rules.policies.exemptions
        return found, [{index for index, each in enumerate(exemptions) if each in one} for one in in_use]

    def _loaded(self) -> tuple[Schemas, Judge]:
        if self._tools is None:
            from onair.adapters.gate import schemas  # noqa: PLC0415 - see Verdicts._judged
            from onair.core.gate.policy.judge import Judge  # noqa: PLC0415

            objects = self._estate.objects
            definitions = (*objects, *self._estate.brought)
            loaded = schemas.load(self._rules.version, definitions, self._rules.folder, self._estate.whole)
            self._tools = loaded, Judge(self._rules.policies, objects=objects, environment=self._rules.environment)
        return self._tools

    def _surroundings(self) -> dict[str, str]:
        """Return, by cluster, a name for what an object's verdict depends on besides itself: kinds and namespaces."""
        keys: dict[str, list[str]] = defaultdict(list)
        for each in self._synced:
            if any(body.get("kind") in _SURROUNDING for body in each.part.slim):
                keys[each.application.cluster].append(each.part.key or each.application.name)
        for found in self._estate.brought:
            keys[found.cluster].append(_content(found))
        return defaultdict(str, {cluster: key_of(*sorted(found)) for cluster, found in keys.items()})


class _Record(NamedTuple):
    """What is remembered of an Application: made from what, the verdict, and which objects are clean."""

    part: str
    verdict: _Verdict
    clean: dict[str, list[int]]


class _Memory:
    """The records of each cluster's Applications; one file a cluster, for making a file takes a millisecond."""

    def __init__(self, cache: Cache, rules: str, about: Mapping[str, str]) -> None:
        self._cache, self._about, self._rules = cache, about, rules
        self._old: dict[str, dict[tuple[str, ...], tuple[Any, ...]]] = {}
        self._new: dict[str, dict[tuple[str, ...], tuple[Any, ...]]] = defaultdict(dict)

    def of(self, each: Synced) -> _Record | None:
        """Return what is remembered of an Application, and go on to remember it."""
        cluster = each.application.cluster
        if cluster not in self._old:
            self._old[cluster] = self._cache.get(_AREA, self._key(cluster)) or {}
        found = self._old[cluster].get(_place(each))
        if found is None:
            return None
        self._new[cluster][_place(each)] = found
        return _Record(*found)

    def keep(self, each: Synced, record: _Record) -> None:
        """Remember another record, unless nobody can tell what it was made from."""
        if record.part:
            self._new[each.application.cluster][_place(each)] = tuple(record)

    def write(self) -> None:
        """Write what is new, without the Applications that are no more."""
        for cluster, records in self._new.items():
            if records != self._old.get(cluster):
                self._cache.put(_AREA, self._key(cluster), records)

    def _key(self, cluster: str) -> str:
        return key_of("cluster", cluster, self._rules, self._about[cluster])


def _place(each: Synced) -> tuple[str, ...]:
    made = each.application
    return made.name, made.namespace, made.leaf


def _size(fresh: _Fresh) -> int:
    return len(fresh[0].part.slim)


def _content(found: Object) -> str:
    """Name an object's content; empty for what is no plain data."""
    try:
        return key_of(marshal.dumps(found.body, 2))  # version 2 writes equal values alike
    except ValueError:
        return ""


_SURROUNDING = {"CustomResourceDefinition", "Namespace", "Application", "ApplicationSet", "ConfigMap"}
"""Kinds that decide how others are judged: kinds themselves, labels of namespaces, ways of syncing, parameters."""


def rules_key(texts: Iterable[str], versions: Sequence[str], exceptions: Iterable[bool]) -> str:
    """Return a name for the rules: ``texts`` of the policies, ``versions`` of all else, which ``exceptions`` hold."""
    return key_of(*versions, *texts, "".join("ny"[holds] for holds in exceptions))
