"""Promotion and rollback: commits that change one leaf's digest, and say where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from onair.adapters import git_commit
from onair.adapters.gate import changes
from onair.adapters.local import git
from onair.core.change import data, promotion, rollback
from onair.core.facts import Environment, Facts
from onair.core.finding import Finding, OnairError
from onair.core.leaf import Leaf, digest, with_digest


class Pinned(NamedTuple):
    """What a leaf pins now; ``commit`` is None where it did so already."""

    leaf: Leaf
    digest: str
    commit: str | None


def promote(root: Path, facts: Facts, service: str, target: str, now: datetime) -> Pinned:
    """Commit that ``target`` takes the digest of ``service`` that the cluster before it in the order of promotion has.

    Raises
    ------
    OnairError
        If a name is unknown, ``target`` waits for no cluster, or the digest has not soaked. Nothing is committed then.
    """
    order = order_of_promotion(root)
    leaf = Leaf(facts.cluster(target).name, service)
    rule = order.spec.promotion.get(target)
    if rule is None:
        raise OnairError(_waits_for_nobody(leaf, facts, order))
    source = Leaf(rule.after, service)
    texts = {each: leaf_text(root, "HEAD", each) for each in (leaf, source)}
    base = changes.default_base(root)

    @cache
    def past(of: Leaf) -> Sequence[promotion.Held]:
        return changes.history(root, base, of)

    planned = promotion.plan(service, target, texts, delivery=order, history=past, now=now)
    if planned.findings:
        raise OnairError(*planned.findings)
    if not planned.files:
        return Pinned(leaf, planned.digest, None)
    since = next(held.since for held in reversed(past(source)) if held.digest == planned.digest)
    message = (
        f"Promote {service} to {target}\n\nImage: {planned.digest}\nBefore: {digest(leaf, texts[leaf])}\n"
        f"From: {source.cluster}, which has held it since {_at(since)}\n"
    )
    head = git.run(root, "rev-parse", "HEAD")
    commit = git_commit.commit_files(root, [head], head, planned.files, message)
    git_commit.move_head(root, commit, f"onair promote {service}")
    return Pinned(leaf, planned.digest, commit)


def take_back(root: Path, facts: Facts, service: str, cluster: str, wanted: str = "") -> Pinned:
    """Commit that ``cluster`` goes back to a digest of ``service`` that it has held: the last good one, or ``wanted``.

    Raises
    ------
    OnairError
        If a name is unknown, or there is nothing to go back to. Nothing is committed then.
    """
    found = facts.cluster(cluster)
    leaf = Leaf(found.name, service)
    head = git.run(root, "rev-parse", "HEAD")
    local = found.spec.environment is Environment.LOCAL
    parents, tree = git_commit.join(root) if local else ([head], head)  # prod is not given what is pinned here
    text = leaf_text(root, tree, leaf)
    current = digest(leaf, text)
    held = rollback.earlier(leaf, _followed(root, parents, leaf, current), wanted)
    new = str(held.digest)
    source = f"From: its own past, held from {_at(held.since)}"
    message = f"Roll back {service} on {cluster}\n\nImage: {new}\nBefore: {current}\n{source}\n"
    commit = git_commit.commit_files(root, parents, tree, {leaf.path: with_digest(leaf, text, new)}, message)
    git_commit.move_head(root, commit, f"onair rollback {service}")
    return Pinned(leaf, new, commit)


def order_of_promotion(root: Path) -> promotion.Delivery:
    """Read which cluster waits for which.

    Raises
    ------
    OnairError
        If the file is wrong.
    """
    content = yaml.safe_load((root / promotion.DELIVERY).read_text(encoding="utf-8"))
    found, faults = data.read(promotion.Delivery, promotion.DELIVERY, content)
    if found is None:
        raise OnairError(*faults)
    return found


def leaf_text(root: Path, tree: str, leaf: Leaf) -> str:
    """Return the text of a leaf in ``tree``.

    Raises
    ------
    OnairError
        If it has none.
    """
    try:
        return git.run(root, "show", f"{tree}:{leaf.path}") + "\n"
    except OnairError as error:
        raise OnairError(
            Finding(
                rule="release/no-leaf",
                file=leaf.path,
                what=f"{leaf.cluster} does not run {leaf.service}",
                mend="add the leaf, or name another cluster",
            )
        ) from error


def _followed(root: Path, parents: list[str], leaf: Leaf, current: str) -> list[promotion.Held]:
    """Return the leaf's past on the parent whose own line ends with what it pins: the other one missed releases."""
    pasts = [changes.history(root, parent, leaf) for parent in parents]
    return next((past for past in pasts if past and past[-1].digest == current), pasts[0])


def _waits_for_nobody(leaf: Leaf, facts: Facts, order: promotion.Delivery) -> Finding:
    local = facts.cluster(leaf.cluster).spec.environment is Environment.LOCAL
    mend = f"onair release {leaf.service} --to {leaf.cluster}"
    if not local:
        mend = "its digests come with the pull request that the workflow images.yaml opens"
    known = ", ".join(sorted(order.spec.promotion))
    what = f"{leaf.cluster} is first to take an image: the order of promotion has {known} only"
    return Finding(rule="promotion/first", file=promotion.DELIVERY, what=what, mend=mend)


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="minutes")
