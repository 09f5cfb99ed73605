"""Promotion: which digest may go to which prod cluster, and when. ``check``, ``release`` and ``promote`` ask here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from onair.core.change.data import Envelope, Strict
from onair.core.finding import Finding
from onair.core.leaf import DIGEST, Leaf, digest, with_digest

DELIVERY = "clusters/platform/delivery.yaml"
LEAF = re.compile(r"clusters/([^/]+)/apps/([^/]+)/kustomization\.yaml")
WHY_ONLY = "a promotion that brings other changes along cannot be judged, nor taken back, by its digest alone"
WHY_BOTH = "while one region takes a new image, the other must stand to take its viewers"
WHY_SOAK = "a fault that shows only under a day's load must show in one region before the other has it"
SHOWN = 5


class Soak(Strict, frozen=True):
    """What a cluster waits for.

    Attributes
    ----------
    after
        The cluster whose leaf must have held a digest first.
    soakHours
        For how long.
    """

    after: str
    soakHours: Annotated[float, Meta(gt=0)]


class DeliverySpec(Strict, frozen=True):
    """The order of promotion, by cluster."""

    promotion: dict[str, Soak]


class Delivery(Envelope, frozen=True):
    """``clusters/platform/delivery.yaml``."""

    kind: Literal["Delivery"]
    spec: DeliverySpec


class PinChange(NamedTuple):
    """A leaf whose digest changes; None where there is no leaf, or none with one digest."""

    leaf: Leaf
    old: str | None
    new: str | None

    @property
    def is_promotion(self) -> bool:
        """Tell whether a service that runs there gets another image; a new or a removed leaf is no promotion."""
        return self.old is not None and self.new is not None and self.old != self.new


class Held(NamedTuple):
    """From ``since`` on, until the next entry, a leaf pinned ``digest``."""

    since: datetime
    digest: str | None


History = Callable[[Leaf], Sequence[Held]]
"""A leaf's past on the branch that clusters follow, oldest first."""
Texts = Mapping[str, tuple[str | None, str | None]]
"""Text before and after of each changed file, by path; None where it does not exist."""


def leaf_of(path: str) -> Leaf | None:
    """Return the leaf of a service whose file ``path`` is."""
    match = LEAF.fullmatch(path)
    return Leaf(match[1], match[2]) if match else None


def pinned(text: str | None) -> str | None:
    """Return a leaf's digest, None where it has not exactly one (the leaf's own rules tell of that)."""
    found = DIGEST.findall(text or "")
    return str(found[0]) if len(found) == 1 else None


def pin_changes(changed: Texts) -> list[PinChange]:
    """Return the digests that a change sets, by its changed files."""
    found = [
        PinChange(leaf, pinned(old), pinned(new)) for path, (old, new) in changed.items() if (leaf := leaf_of(path))
    ]
    return sorted(each for each in found if each.old != each.new)


def judge(changed: Texts, prods: Collection[str], delivery: Delivery, history: History, now: datetime) -> list[Finding]:
    """Return what forbids a change, as a promotion.

    Parameters
    ----------
    changed
        All files that it changes.
    prods
        Names of the prod clusters.
    """
    pins = pin_changes(changed)
    promotions = [each for each in pins if each.leaf.cluster in prods and each.is_promotion]
    return [*only_digests(changed, promotions), *one_prod(promotions), *soaked(pins, delivery, history, now)]


def only_digests(changed: Texts, promotions: Sequence[PinChange]) -> list[Finding]:
    """Return a finding where a promotion changes anything but leaves' digests."""
    others = sorted(path for path, texts in changed.items() if not _differs_by_digest(path, *texts))
    if not promotions or not others:
        return []
    names = ", ".join(others[:SHOWN]) + (f" and {len(others) - SHOWN} more" if len(others) > SHOWN else "")
    first = promotions[0].leaf
    return [
        Finding(
            rule="promotion/only-digests",
            file=others[0],
            what=f"the change gives {first.service} on {first.cluster} another image, and changes {names}",
            why=WHY_ONLY,
            mend="make two changes: everything else first, then the digest alone",
        )
    ]


def one_prod(promotions: Iterable[PinChange]) -> list[Finding]:
    """Return a finding where more than one prod cluster gets another image."""
    by_cluster: dict[str, list[PinChange]] = {}
    for each in promotions:
        by_cluster.setdefault(each.leaf.cluster, []).append(each)
    if len(by_cluster) < 2:
        return []
    clusters = sorted(by_cluster)
    last = by_cluster[clusters[-1]][0].leaf
    return [
        Finding(
            rule="promotion/both-prods",
            file=last.path,
            what=f"one change gives {' and '.join(clusters)} another image",
            why=WHY_BOTH,
            mend=f"promote {clusters[0]} first, {clusters[-1]} in a later change",
        )
    ]


def soaked(pins: Sequence[PinChange], delivery: Delivery, history: History, now: datetime) -> list[Finding]:
    """Return a finding for each digest that has not been long enough where it must be first."""
    new = {each.leaf for each in pins if each.old is None}
    findings = []
    for each in pins:
        rule = delivery.spec.promotion.get(each.leaf.cluster)
        if rule is None or each.new is None:
            continue
        source = Leaf(rule.after, each.leaf.service)
        if each.leaf in new and source in new:
            continue  # a new service comes to all prod clusters at once (parity); nothing ran before it
        if any(held.digest == each.new for held in history(each.leaf)):
            continue  # back to what this cluster has run already
        if problem := _not_soaked(each.new, history(source), timedelta(hours=rule.soakHours), now):
            findings.append(
                Finding(
                    rule="promotion/soak",
                    file=each.leaf.path,
                    what=f"{each.leaf.cluster} would take {each.new[:19]}… of {each.leaf.service}, but {rule.after} "
                    + problem[0],
                    why=WHY_SOAK,
                    mend=problem[1].format(source=rule.after),
                )
            )
    return findings


def _not_soaked(wanted: str, past: Sequence[Held], needed: timedelta, now: datetime) -> tuple[str, str] | None:
    """Return what speaks against a digest and what mends it; None where it has soaked.

    A digest counts for the longest time that it was pinned without a break, up to now or to its successor. It counts no
    longer once the cluster went back from it to an earlier one.
    """
    ends = [*(held.since for held in past[1:]), now]
    spans = [(end - held.since, number) for number, (held, end) in enumerate(zip(past, ends, strict=False))]
    own = [(span, number) for span, number in spans if past[number].digest == wanted]
    if not own:
        return "has never run it", "promote {source} first"
    last = own[-1][1]
    following = past[last + 1].digest if last + 1 < len(past) else None
    if following is not None and following in {held.digest for held in past[:last]}:
        return "went back from it to an earlier one", "promote a later image to {source}, then this cluster"
    longest = max(span for span, _ in own)
    if longest >= needed:
        return None
    hours = f"{max(longest, timedelta()) / timedelta(hours=1):.1f} h of {needed / timedelta(hours=1):g} h"
    if last + 1 < len(past):
        return f"ran it for {hours} only", "promote the image that {source} runs now, once it has soaked"
    ready = (past[last].since + needed).astimezone(now.tzinfo).isoformat(timespec="minutes")
    return f"has run it for {hours} only", f"promote at {ready} or later"


def _differs_by_digest(path: str, old: str | None, new: str | None) -> bool:
    """Tell whether a changed file is a leaf in which the digest alone is another one."""
    if leaf_of(path) is None or old is None or new is None or pinned(old) is None or pinned(new) is None:
        return False
    return DIGEST.sub("", old) == DIGEST.sub("", new)


class Plan(NamedTuple):
    """What a promotion would commit: text by path (none where the cluster runs the digest already), and its faults."""

    digest: str
    files: dict[str, str]
    findings: list[Finding]


def plan(
    service: str,
    target: str,
    texts: Mapping[Leaf, str],
    *,
    delivery: Delivery,
    history: History,
    now: datetime,
) -> Plan:
    """Plan to give ``target`` the digest that the cluster before it in the order of promotion pins.

    Parameters
    ----------
    texts
        The text of the service's leaf, at least on ``target`` and on the cluster before it.

    Raises
    ------
    OnairError
        If a leaf pins no digest, or more than one.
    KeyError
        If ``target`` waits for no cluster, or a leaf's text is missing.
    """
    leaf = Leaf(target, service)
    source = Leaf(delivery.spec.promotion[target].after, service)
    new = digest(source, texts[source])
    return Plan(
        new, edits({leaf: texts[leaf]}, new), refusals([leaf], texts, new, delivery=delivery, history=history, now=now)
    )


def edits(leaves: Mapping[Leaf, str], new: str) -> dict[str, str]:
    """Return the new text, by path, of each leaf that does not pin the digest ``new`` yet."""
    return {leaf.path: with_digest(leaf, text, new) for leaf, text in leaves.items() if digest(leaf, text) != new}


def refusals(
    leaves: Iterable[Leaf],
    texts: Mapping[Leaf, str],
    new: str,
    *,
    delivery: Delivery,
    history: History,
    now: datetime,
) -> list[Finding]:
    """Return what forbids to pin ``new`` in these leaves in one commit; for ``release`` before it builds anything.

    Clusters that the order of promotion names, on either side, are the prod ones.
    """
    order = delivery.spec.promotion
    prods = {*order, *(rule.after for rule in order.values())}
    pins = sorted(PinChange(leaf, pinned(texts.get(leaf)), new) for leaf in leaves)
    pins = [pin for pin in pins if pin.leaf.cluster in prods and pin.old != pin.new]
    return [*one_prod(pin for pin in pins if pin.is_promotion), *soaked(pins, delivery, history, now)]
