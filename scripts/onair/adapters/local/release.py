"""A release: an image in the registry and a commit that names its digest in the leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from onair.adapters import git_commit
from onair.adapters.gate import changes
from onair.adapters.local import git
from onair.adapters.local.images import ImageStore
from onair.adapters.local.platform import LocalPlatform
from onair.adapters.promotion import leaf_text, order_of_promotion
from onair.core.change import promotion
from onair.core.finding import Finding, OnairError
from onair.core.images import service_inputs
from onair.core.leaf import Leaf
from onair.core.progress import Reporter


class Release(NamedTuple):
    """What was released; ``commit`` is None where the leaves named the digest already."""

    version: str
    clusters: list[str]
    commit: str | None


def release(local: LocalPlatform, store: ImageStore, service: str, to: list[str], reporter: Reporter) -> Release:
    """Build ``service`` out of HEAD, push its image and commit its digest into the leaves of the clusters ``to``.

    Parameters
    ----------
    to
        Names of clusters; every local one when empty.

    Raises
    ------
    OnairError
        If service or cluster is unknown, the service has uncommitted changes, or the build fails. Nothing is
        committed then.
    """
    builds = store.services()
    if service not in builds:
        known = ", ".join(sorted(builds))
        raise OnairError(
            Finding(rule="release/unknown-service", what=f"no service {service!r}", mend=f"one of: {known}")
        )
    leaves = [Leaf(local.facts.cluster(name).name, service) for name in to or [c.name for c in local.clusters]]
    _refuse_uncommitted(local, service)
    if not store.registry.ready():
        raise OnairError(
            Finding(
                rule="registry/unreachable",
                what="the registry does not answer",
                mend="make up, then release again",
            )
        )
    digest = store.ensure([builds[service]], reporter)[service]
    parents, tree = git_commit.join(local.root)
    texts = {leaf: leaf_text(local.root, tree, leaf) for leaf in leaves}
    _refuse_early(local, texts, digest)
    files = promotion.edits(texts, digest)
    clusters, version = [leaf.cluster for leaf in leaves], builds[service].version
    if not files:
        return Release(version, clusters, None)
    source = git.run(local.root, "rev-parse", "--short", "HEAD")
    message = f"Release {service} {version} to {', '.join(clusters)}\n\nImage: {digest}\nSource: {source}\n"
    commit = git_commit.commit_files(local.root, parents, tree, files, message)
    git_commit.move_head(local.root, commit, f"onair release {service}")
    return Release(version, clusters, commit)


def _refuse_early(local: LocalPlatform, texts: dict[Leaf, str], digest: str) -> None:
    """Apply the order of promotion, as the gate would later."""
    refused = promotion.refusals(
        texts,
        texts,
        digest,
        delivery=order_of_promotion(local.root),
        history=lambda leaf: changes.history(local.root, "HEAD", leaf),
        now=datetime.now(UTC),
    )
    if refused:
        raise OnairError(*refused)


def _refuse_uncommitted(local: LocalPlatform, service: str) -> None:
    paths = [*service_inputs(service, []), f"apps/{service}"]
    excluded = [f":(exclude)apps/{service}/{name}" for name in ("base", "tests")]
    if changed := git.run(local.root, "status", "--porcelain", "--", *paths, *excluded):
        raise OnairError(
            Finding(
                rule="release/uncommitted",
                file=changed.splitlines()[0][3:],
                what=f"{service} has changes that are not committed",
                why="an image must be made of a commit, so that what runs can be found again",
                mend=f"git commit -am '…', then onair release {service}",
            )
        )
