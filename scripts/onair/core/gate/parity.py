"""Region parity: two clusters that back each other up run the same, but for what their facts and an allow-list say.

Every value that the facts of the two clusters tell apart is replaced by the fact's name, on both sides: the own ones
and the peer's. What differs then differs for another reason. Image digests and the registries are left out: a
promotion reaches one region first (the change rules judge it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from onair.core.finding import Finding
from onair.core.gate.invariants.normalise import NOTHING, Normaliser, Steps, alike, differences
from onair.core.gate.model import Body, Estate, Object, Rule

ALLOWED = "clusters/platform/parity.yaml"
SHOWN = 80
"""Characters of a value in a finding."""


@dataclass(frozen=True)
class Allowance:
    """An entry of the allow-list.

    Attributes
    ----------
    kind, name, path
        Patterns with ``*``; an empty path allows that one region lacks the object.
    """

    kind: str
    name: str
    path: str
    reason: str
    position: int
    used: list[bool] = field(default_factory=list)

    def fits(self, found: Object, path: Steps) -> bool:
        """Return whether it allows a difference at ``path`` of ``found``; a path allows what is below it too."""
        if not fnmatchcase(found.kind, self.kind) or not fnmatchcase(found.name, self.name):
            return False
        wanted = self.path.split(".") if self.path else []
        return len(wanted) <= len(path) and bool(wanted) == bool(path) and all(map(fnmatchcase, path, wanted))


def same(estate: Estate) -> Iterator[Finding]:
    """Find what differs between two regions that back each other up, and what one of them lacks."""
    yield from _differing(estate, _allowances(estate))


def listed(estate: Estate) -> Iterator[Finding]:
    """Find entries of the allow-list that allow nothing, or give no reason."""
    allowances = _allowances(estate)
    lines = estate.texts.get(ALLOWED, "").splitlines()
    starts = [i for i, line in enumerate(lines, 1) if line.startswith("- ")]
    for _ in _differing(estate, allowances) if allowances else ():
        pass  # what they do not allow is told by DIFFERS
    for each in allowances:
        what = "" if each.reason.strip() else "no reason is given"
        if not each.used:
            what = f"no difference at {each.path or 'the whole'} of {each.kind} {each.name}"
        if what:
            line = starts[each.position] if each.position < len(starts) else None
            mend = "remove the entry, or write its reason"
            yield Finding(rule="parity/unused", what=what, why=UNUSED.why, mend=mend, file=ALLOWED, line=line)


def pairs(estate: Estate) -> list[tuple[str, str]]:
    """Return the clusters that back each other up, each pair once."""
    found = []
    for name, facts in sorted(estate.clusters.items()):
        peer = str(facts.get("peer"))
        if name < peer and estate.clusters.get(peer, {}).get("peer") == name:
            found.append((name, peer))
    return found


def _differing(estate: Estate, allowances: list[Allowance]) -> Iterator[Finding]:
    for one, other in pairs(estate):
        yield from _compared(estate, one, other, allowances)


def _allowances(estate: Estate) -> list[Allowance]:
    entries = estate.data.get(ALLOWED, {}).get("spec") or []
    return [
        Allowance(
            str(each.get("kind")),
            str(each.get("name") or "*"),
            str(each.get("path") or ""),
            str(each.get("reason") or ""),
            position,
        )
        for position, each in enumerate(entries)
        if isinstance(each, dict)
    ]


def _compared(estate: Estate, one: str, other: str, allowances: list[Allowance]) -> Iterator[Finding]:
    facts = {name: {"name": name, **_flat(estate.clusters[name])} for name in (one, other)}
    registries = [str(each) for each in (estate.platform.get("registries") or {}).values()]
    normalisers = {
        one: Normaliser(facts[one], facts[other], registries),
        other: Normaliser(facts[other], facts[one], registries),
    }
    objects: dict[str, dict[tuple[str, ...], Object]] = {}
    for cluster, normalise in normalisers.items():
        objects[cluster] = {
            (each.identity.group, each.kind, normalise.text(each.namespace), normalise.text(each.name)): each
            for each in estate.by_cluster.get(cluster, ())
        }
    for key in {**objects[one], **objects[other]}:
        left, right = objects[one].get(key), objects[other].get(key)
        if left is None or right is None:
            found = left or right
            if found is not None and not _allowed(allowances, found, ()):
                lacking = other if left else one
                what, mend = f"{lacking} does not have it", f"add it to {lacking}, or its reason to {ALLOWED}"
                yield estate.finding("parity/differs", found, what, why=DIFFERS.why, mend=mend)
        else:
            yield from _objects(estate, (left, normalisers[one]), (right, normalisers[other]), allowances)


def _objects(
    estate: Estate, one: tuple[Object, Normaliser], other: tuple[Object, Normaliser], allowances: list[Allowance]
) -> Iterator[Finding]:
    (left, normalise), (right, normalise_other) = one, other
    bodies = left.body, right.body
    if left.kind == "CustomResourceDefinition":
        if left.get("spec") == right.get("spec"):
            # Thousands of lines of schema, which hold no facts: equal as they are.
            bodies = {**left.body, "spec": None}, {**right.body, "spec": None}
        else:
            left, right = estate.whole(left), estate.whole(right)
            bodies = left.body, right.body
    if alike(*bodies, normalise, normalise_other):
        return
    for difference in differences(normalise(bodies[0]), normalise_other(bodies[1])):
        if not _allowed(allowances, left, difference.path):
            where = ".".join(difference.path)
            here, there = _told(left, difference.path, difference.one), _told(right, difference.path, difference.other)
            what = f"{where} is {here}, in {right.cluster} {there}"
            mend = f"say it in both regions, as a fact, or list {where} with its reason in {ALLOWED}"
            at = _place(left.body, difference.path)
            yield estate.finding("parity/differs", left, what, at=at, why=DIFFERS.why, mend=mend)


def _allowed(allowances: list[Allowance], found: Object, path: Steps) -> bool:
    fitting = [each for each in allowances if each.fits(found, path)]
    for each in fitting:
        each.used.append(True)
    return bool(fitting)


def _place(body: Body, path: Steps) -> tuple[str | int, ...]:
    """Turn names of list entries back into positions, for the locator."""
    place: list[str | int] = []
    found: Any = body
    for step in path:
        if isinstance(found, list):
            names = [each.get("name") if isinstance(each, dict) else None for each in found]
            position = names.index(step) if step in names else int(step) if step.isdecimal() else len(found)
            if position >= len(found):
                break
            place.append(position)
            found = found[position]
        else:
            place.append(step)
            found = found.get(step) if isinstance(found, dict) else None
    return tuple(place)


def _told(found: Object, path: Steps, normalised: object) -> str:
    """Return a value as it is written, with what the facts make of it where that is not the same."""
    place = _place(found.body, path)
    written = found.get(*place) if len(place) == len(path) else None
    if written is None or written == normalised or not isinstance(normalised, str):
        return _shown(normalised)
    return f"{_shown(written)} ({normalised})" if len(normalised) <= SHOWN else _shown(written)


def _shown(found: object) -> str:
    if found is NOTHING:
        return "not set"
    text = repr(found) if isinstance(found, str) else str(found)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _flat(found: object, path: str = "") -> dict[str, str]:
    """Return the facts of a cluster by dotted path; only texts tell clusters apart."""
    if isinstance(found, dict):
        entries = [(f"{path}.{key}" if path else str(key), value) for key, value in found.items()]
    elif isinstance(found, list):
        entries = [(f"{path}.{i}", value) for i, value in enumerate(found)]
    else:
        return {path: found} if isinstance(found, str) and found else {}
    return {key: value for name, each in entries for key, value in _flat(each, name).items()}


DIFFERS = Rule(
    "parity/differs",
    "each region must be able to take all viewers alone: what only one has is missing on the day the other is lost",
    "maxReplicas: 8 # in prod-kr; 4 in prod-us",
    "- {kind: HorizontalPodAutoscaler, name: web, path: spec.maxReplicas, reason: …} # clusters/platform/parity.yaml",
    same,
)
UNUSED = Rule(
    "parity/unused",
    "an entry that allows nothing today allows a mistake tomorrow",
    "- {kind: Deployment, name: gone, path: spec.replicas, reason: it was larger once}",
    "spec: [] # nothing differs",
    listed,
)
RULES = (DIFFERS, UNUSED)
