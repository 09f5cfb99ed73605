"""All rules about a change, in one call: what it would do, and what of it must not happen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from onair.core.change import freeze, immutable, promotion, vanish
from onair.core.change.compare import ObjectChange, compare
from onair.core.change.data import Model, read
from onair.core.change.sync import Application
from onair.core.finding import Finding
from onair.core.gate.model import Estate, Object

PROD = "prod"


@dataclass(frozen=True)
class Side:
    """The branch that clusters follow as it would be rendered without the change, or with it.

    Attributes
    ----------
    objects
        All objects; definitions may have marks in place of their schemas.
    applications
        All Applications.
    differing
        The objects that are compared, whole: those of Applications that bring the same on both sides may be left out.
        None means all.
    """

    objects: Sequence[Object]
    applications: Sequence[Application]
    differing: Sequence[Object] | None = None

    @property
    def compared(self) -> Sequence[Object]:
        """The objects that are compared."""
        return self.objects if self.differing is None else self.differing


class Circumstances(NamedTuple):
    """What a change is judged by, besides what it changes.

    Attributes
    ----------
    now
        The time at which it would be delivered.
    history
        A leaf's past on the branch.
    emergency
        Why it cannot wait for the end of a freeze; empty where it can.
    delivers_to
        The clusters that follow the branch which the change goes to: freeze and promotion rules count for these. None
        means all.
    """

    now: datetime
    history: promotion.History
    emergency: str = ""
    delivers_to: Collection[str] | None = None


@dataclass
class Verdict:
    """What a change would do, and what speaks against it."""

    changes: list[ObjectChange] = field(default_factory=list)
    appearing: list[str] = field(default_factory=list)
    vanishing: list[str] = field(default_factory=list)
    pruned: list[Object] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def check(before: Side, after: Side, estate: Estate, texts: promotion.Texts, circumstances: Circumstances) -> Verdict:
    """Judge a change.

    Parameters
    ----------
    estate
        The repository with the change.
    texts
        The changed files.
    """
    applications = after.applications
    findings: list[Finding] = []
    retired = _data(vanish.Retired, vanish.RETIRED, estate, findings)
    delivery = _data(promotion.Delivery, promotion.DELIVERY, estate, findings)
    calendar = _data(freeze.Freeze, freeze.FREEZE, estate, findings)
    changes = compare(before.compared, after.compared)
    gone = vanish.vanished(before.applications, applications)
    come = vanish.vanished(applications, before.applications)
    pruned = vanish.pruned(changes, before.objects, applications)
    if retired:
        findings += vanish.unlisted(before.applications, applications, retired) + vanish.losses(pruned, retired)
    findings += immutable.refused(estate, changes)
    prods = {*estate.clusters_of(PROD)}
    if circumstances.delivers_to is not None:
        prods &= set(circumstances.delivers_to)
    if delivery:
        findings += promotion.judge(texts, prods, delivery, circumstances.history, circumstances.now)
    if calendar:
        hit = {each.cluster for each in changes} | {each.cluster for each in (*gone, *come)}
        findings += freeze.judge(calendar, hit & prods, circumstances.now, circumstances.emergency)
    return Verdict(changes, _names(come), _names(gone), pruned, findings)


def _data(model: type[Model], file: str, estate: Estate, findings: list[Finding]) -> Model | None:
    found, faults = read(model, file, estate.data.get(file))
    findings += faults
    return found


def _names(applications: Sequence[Application]) -> list[str]:
    return sorted(f"{each.cluster} {each.name}" for each in applications)
