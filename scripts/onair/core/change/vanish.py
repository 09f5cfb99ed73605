"""What a change takes away: Applications that vanish, and objects that Argo CD would prune."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from onair.core.change.compare import ObjectChange
from onair.core.change.data import Envelope, Strict
from onair.core.change.sync import RESOURCES_FINALIZER, Application, is_hook, options, prunes
from onair.core.finding import Finding
from onair.core.gate.model import Object

RETIRED = "clusters/platform/retired.yaml"
DATA = frozenset({"PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"})
"""Kinds that take data along: a Namespace all that is in it, a definition every object of its kind."""
KEPT = frozenset({"Prune=false", "Prune=confirm"})
WHY_VANISHED = (
    "the ApplicationSets never delete one (applicationsSync: create-update): it stays, unable to sync, and so does "
    "what it runs; an Application that goes by an oversight has cost others production"
)
WHY_PRUNED = "Argo CD deletes at the next sync what git no longer has, and the data goes with it"


class RetiredApplication(Strict, frozen=True):
    """An Application that may vanish from these clusters.

    Attributes
    ----------
    with_data
        Its volumes may go as well.
    """

    application: str
    clusters: list[str]
    reason: str
    withData: bool = False


class RetiredObject(Strict, frozen=True):
    """One data-bearing object that may be pruned, as findings name it: ``PersistentVolumeClaim data/x``."""

    cluster: str
    object: str
    reason: str


class RetiredSpec(Strict, frozen=True):
    """Both lists."""

    applications: tuple[RetiredApplication, ...] = ()
    objects: tuple[RetiredObject, ...] = ()


class Retired(Envelope, frozen=True):
    """``clusters/platform/retired.yaml``."""

    kind: Literal["Retired"]
    spec: RetiredSpec

    def allows(self, application: Application) -> bool:
        """Tell whether an Application may vanish."""
        return any(
            x.application == application.name and application.cluster in x.clusters for x in self.spec.applications
        )

    def allows_object(self, found: Object) -> bool:
        """Tell whether a data-bearing object may be pruned."""
        return any(x.cluster == found.cluster and x.object == str(found.identity) for x in self.spec.objects)


def vanished(before: Iterable[Application], after: Iterable[Application]) -> list[Application]:
    """Return the Applications of ``before`` that ``after`` does not have."""
    kept = {(each.cluster, each.name) for each in after}
    return [each for each in before if (each.cluster, each.name) not in kept]


def unlisted(before: Iterable[Application], after: Sequence[Application], retired: Retired) -> list[Finding]:
    """Return the Applications that vanish unannounced, and the announcements that something standing contradicts."""
    findings = [
        Finding(
            rule="change/vanishes",
            file=f"{each.leaf}/kustomization.yaml",
            what=f"the Application {each.name} would vanish from {each.cluster}",
            why=WHY_VANISHED,
            mend=f"restore the leaf, or take it away on purpose: onair retire {each.name}",
        )
        for each in vanished(before, after)
        if not retired.allows(each)
    ]
    return findings + [
        Finding(
            rule="change/retired-stands",
            file=RETIRED,
            what=f"{each.name} is listed as retired, but stands in {each.cluster}",
            why="with the entry there, it could vanish by an oversight and nothing would tell",
            mend="remove the entry, or the leaf",
        )
        for each in after
        if retired.allows(each)
    ]


def pruned(
    changes: Iterable[ObjectChange], before: Sequence[Object], applications: Iterable[Application]
) -> list[Object]:
    """Return the objects that Argo CD would delete by itself once the change is synced.

    Parameters
    ----------
    before
        All objects as they were: a chart's go along with its Application.
    applications
        The Applications as they will be: what nothing syncs any longer is not pruned either.

    Notes
    -----
    An object that moves to another Application counts: whichever syncs first wins, and the earlier one may delete it.
    """
    prune = {(each.cluster, each.name) for each in applications if prunes(each.body)}
    found: list[Object] = []
    for change in changes:
        gone = change.before
        if change.kind not in ("removed", "moved") or gone is None:
            continue
        if (gone.cluster, gone.application) in prune and not is_hook(gone) and not options(gone) & KEPT:
            found.append(gone)
            found += _of_chart(gone, before)
    return found


def _of_chart(gone: Object, before: Sequence[Object]) -> Iterator[Object]:
    """Iterate over what an Application that is deleted takes along (Argo CD never deletes definitions so)."""
    if gone.kind == "Application" and RESOURCES_FINALIZER in str(gone.metadata.get("finalizers") or ""):
        for each in before:
            if (each.cluster, each.application) == (gone.cluster, gone.name) and taken_along(each):
                yield each


def taken_along(found: Object) -> bool:
    """Tell whether an object goes when its Application is deleted with all that it made.

    Source: https://github.com/argoproj/argo-cd/blob/v3.6.1/controller/appcontroller.go (shouldBeDeleted).
    """
    return found.kind != "CustomResourceDefinition" and "Delete=false" not in options(found)


def holds_data(found: Object) -> bool:
    """Tell whether data is lost when the object is deleted."""
    if found.kind == "StatefulSet":
        return bool(found.get("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete")
    return found.kind in DATA


def losses(objects: Iterable[Object], retired: Retired) -> list[Finding]:
    """Return a finding for each object with data that would be pruned and is not listed."""
    return [
        Finding(
            rule="change/pruned",
            file=f"{each.leaf}/kustomization.yaml",
            what=f"{each.cluster} {each.identity}: would be pruned by the Application {each.application}",
            why=WHY_PRUNED,
            mend="keep it in git; or first sync it with the annotation argocd.argoproj.io/sync-options: Prune=false "
            f"and remove it in a later change; or list it under objects in {RETIRED} with the reason",
        )
        for each in objects
        if holds_data(each) and not retired.allows_object(each)
    ]
