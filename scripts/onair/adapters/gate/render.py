"""Renders what every cluster would run, as its Argo CD would: from the ApplicationSets down, charts included."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from onair.adapters.gate import kinds, sources, tree
from onair.adapters.gate.cache import Cache
from onair.adapters.gate.leaves import Leaves
from onair.adapters.gate.parts import Part, Parts
from onair.core.finding import Finding
from onair.core.gate.applicationsets import BOOTSTRAP, Application, Expansion, applications_of, folders_of
from onair.core.gate.kustomization import kustomization_of, missing_references, unreached
from onair.core.gate.model import Body, Object
from onair.core.gate.placement import placed, scopes
from onair.core.progress import SILENT, Reporter, Step


@dataclass(frozen=True)
class Synced:
    """One Application with what it syncs.

    Attributes
    ----------
    application
        As its cluster would have it.
    part
        What its leaf or chart renders to.
    scopes
        Whether the cluster's own kinds are namespaced, by (group, kind).
    """

    application: Application
    part: Part
    scopes: Mapping[tuple[str, str], bool]

    @property
    def content(self) -> tuple[str, ...]:
        """Name of everything that decides what it brings: equal ones bring equal objects."""
        made = self.application
        return made.cluster, made.name, made.leaf, made.namespace, self.part.key, repr(sorted(self.scopes.items()))

    @cached_property
    def objects(self) -> list[Object]:
        """The objects, in the namespaces where Argo CD would put them."""
        return self._placed(self.part.bodies)

    @cached_property
    def slim(self) -> list[Object]:
        """The objects, with marks for the schemas of CustomResourceDefinitions."""
        return self._placed(self.part.slim)

    def _placed(self, bodies: Iterable[Body]) -> list[Object]:
        made = self.application
        found = (placed(body, made.namespace, self.scopes) for body in bodies)
        return [Object(made.cluster, made.name, made.leaf, body) for body in found]


@dataclass(frozen=True)
class Rendered:
    """What would run on every cluster.

    Attributes
    ----------
    synced
        Every Application; its objects are read from the cache only when asked for.
    reach_by_leaf
        The files that each leaf is rendered from.
    brought
        Definitions of the kinds that clusters have without an Application.
    findings
        What does not render or expand, what is missing, what no leaf reaches.
    """

    synced: list[Synced] = field(default_factory=list)
    brought: list[Object] = field(default_factory=list)
    reach_by_leaf: dict[str, frozenset[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def applications(self) -> list[Application]:
        """Every Application of every cluster."""
        return [each.application for each in self.synced]

    @cached_property
    def estate_objects(self) -> list[Object]:
        """Every object of every cluster."""
        return [found for each in self.synced for found in each.objects]

    @cached_property
    def slim_objects(self) -> list[Object]:
        """Every object of every cluster, with marks for the schemas of CustomResourceDefinitions."""
        return [found for each in self.synced for found in each.slim]

    def without(self, other: Rendered) -> list[Object]:
        """Return the objects, whole, of the Applications that do not bring the same in ``other``."""
        same = {each.content for each in other.synced if each.part.key}
        return [found for each in self.synced if each.content not in same for found in each.objects]

    def whole(self, slim: Object) -> Object:
        """Return one of the slim objects with its schemas."""
        same = (
            each
            for each in self.synced
            if (each.application.cluster, each.application.name) == (slim.cluster, slim.application)
        )
        return next((found for each in same for found in each.objects if found.identity == slim.identity), slim)


def render(root: Path, *, clusters: Sequence[str] | None = None, jobs: int = 2, cache: Path | None = None) -> Rendered:
    """Render the working tree.

    Parameters
    ----------
    root
        The repository's top folder.
    clusters
        Names of clusters; all when None, and only then can it be told what no leaf reaches.
    jobs
        How many programs run at once.
    cache
        Folder for what need not be rendered again (:func:`onair.adapters.gate.cache.default_folder`), or None.
    """
    return render_files(tree.read(root).files, root=root, clusters=clusters, jobs=jobs, cache=cache)


def render_files(
    files: Mapping[str, str],
    *,
    root: Path,
    clusters: Sequence[str] | None = None,
    jobs: int = 2,
    cache: Path | None = None,
    reporter: Reporter = SILENT,
    parts: Parts | None = None,
    under_way: threading.Event | None = None,
) -> Rendered:
    """Render files that were read before, e.g. those of a commit (:func:`onair.adapters.gate.tree.at`).

    Parameters
    ----------
    files
        Text of every file by its path from the repository's root.
    root
        Where the toolchain is looked for.
    clusters, jobs, cache
        As for :func:`render`.
    reporter
        Is told how many leaves are rendered.
    parts
        Shared with another tree that is rendered at the same time.
    under_way
        Is set once the first program has started, or when it is clear that none is needed.
    """
    store = Cache(cache)
    store.prune()
    folders = folders_of(files)
    wanted = _clusters(folders) if clusters is None else sorted(clusters)
    likely = [leaf for leaf in _leaves(files, folders) if leaf.split("/")[1] in wanted]
    # One thread more than programs: fetching bases and reading YAML is this process's own work.
    with (
        reporter.step("render", len(likely)) as step,
        ThreadPoolExecutor(jobs + 1) as pool,
        Leaves(files, root, store, parts, under_way) as leaves,
    ):
        run = _Run(leaves, pool, step)
        run.start(likely)
        expansions = [applications_of(cluster, folders, run.slim) for cluster in wanted]
        brought, faults = _brought(files, wanted, leaves.git, store)
        synced = [each for expansion in expansions for each in run.synced(expansion.applications, brought)]
        reaches = {leaf: leaves.reach(leaf) for leaf in (*run.leaves, *likely)}
    findings = [*faults, *(found for expansion in expansions for found in expansion.findings)]
    used = {BOOTSTRAP.format(cluster=cluster) for cluster in wanted}
    used |= {each.application.path for each in synced if not each.application.foreign}
    used |= {leaf for leaf in likely if leaf.split("/")[1] in _incomplete(wanted, expansions)}
    used &= reaches.keys()
    findings += run.findings(leaf for leaf in sorted(used) if not reaches[leaf].missing)
    findings += missing_references(reaches[leaf] for leaf in sorted(used))
    if clusters is None:
        findings += unreached(files, frozenset().union(*(reaches[leaf].files for leaf in used)))
    return Rendered(synced, brought, {leaf: reaches[leaf].files for leaf in sorted(used)}, findings)


class _Run:
    """The parts under way, by leaf and by chart."""

    def __init__(self, leaves: Leaves, pool: ThreadPoolExecutor, step: Step) -> None:
        self._leaves, self._pool, self._step = leaves, pool, step
        self.leaves: dict[str, Future[Part]] = {}
        self._charts: dict[str, tuple[str, Future[Part]]] = {}

    def start(self, likely: Sequence[str]) -> None:
        """Begin with what will most likely be needed: bases to be fetched, then what no cache has."""
        fresh = [leaf for leaf in likely if not self._leaves.kept(leaf)]
        heavy = [leaf for leaf in fresh if self._leaves.reach(leaf).remotes]
        if heavy:
            self._pool.submit(self._leaves.prepare, heavy)
        for leaf in sorted(fresh, key=lambda leaf: leaf in heavy):
            self._leaf(leaf).add_done_callback(lambda _: self._leaves.under_way.set())
        if fresh:
            self._leaves.under_way.wait()  # what only has to be read from the cache would keep the programs waiting
        self._leaves.under_way.set()
        for leaf in likely:
            self._leaf(leaf)

    def slim(self, leaf: str) -> list[Body]:
        """Return the objects of a leaf, without the schemas of CustomResourceDefinitions."""
        return self._leaf(leaf).result().slim

    def synced(self, applications: Sequence[Application], brought: Sequence[Object]) -> list[Synced]:
        """Return the Applications of one cluster with their parts."""
        parts = [self._part(each) for each in applications]
        clusters = {each.cluster for each in applications}
        known = scopes(each.body for each in brought if each.cluster in clusters)
        known |= scopes(body for part in parts for body in part.result().slim)
        return [Synced(made, part.result(), known) for made, part in zip(applications, parts, strict=True)]

    def findings(self, leaves: Iterable[str]) -> list[Finding]:
        """Return why these leaves, and the charts, do not render."""
        places: dict[Finding, list[str]] = {}
        for name, part in [*((leaf, self._leaf(leaf)) for leaf in leaves), *self._charts.values()]:
            for found in part.result().findings:
                places.setdefault(found, []).append(name)
        return [_merged(found, names) for found, names in places.items()]

    def _leaf(self, leaf: str) -> Future[Part]:
        if leaf not in self.leaves:
            self.leaves[leaf] = self._pool.submit(self._leaves.leaf, leaf)
            self.leaves[leaf].add_done_callback(lambda _: self._step.advance())
        return self.leaves[leaf]

    def _part(self, made: Application) -> Future[Part]:
        if not made.foreign:
            return self._leaf(made.path)
        key = self._leaves.chart_key(made)
        if key not in self._charts:
            self._charts[key] = f"{made.cluster} {made.name}", self._pool.submit(self._leaves.chart, made)
        return self._charts[key][1]


def _brought(
    files: Mapping[str, str], clusters: Sequence[str], git: Mapping[str, str], store: Cache
) -> tuple[list[Object], list[Finding]]:
    """Return the definitions that each cluster has without an Application, and why some are not there."""
    by_environment, findings = kinds.definitions(files, git, store)
    facts = sources.facts(files, store).clusters if by_environment else {}
    environments = {name: str(facts.get(name, {}).get("environment")) for name in clusters}
    bodies = ((name, body) for name in clusters for body in by_environment.get(environments[name], ()))
    return [Object(name, "", posixpath.dirname(kinds.FILE), body) for name, body in bodies], findings


def _merged(found: Finding, names: Sequence[str]) -> Finding:
    """Return one finding for a fault that several leaves have from the same file."""
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return replace(found, what=f"{names[0]}{others}: {found.what}")


def _clusters(folders: Collection[str]) -> list[str]:
    """Return the names of all clusters: those with a leaf of Argo CD, or with facts that ask for one."""
    parts = [folder.split("/") for folder in folders]
    return sorted({each[1] for each in parts if len(each) > 2 and each[0] == "clusters" and each[1] != "platform"})


def _leaves(files: Mapping[str, str], folders: Iterable[str]) -> list[str]:
    return sorted(
        folder
        for folder in folders
        if folder.startswith("clusters/") and folder.count("/") == 3 and kustomization_of(files, folder)
    )


def _incomplete(clusters: Sequence[str], expansions: Sequence[Expansion]) -> set[str]:
    """Return the clusters of which it cannot be told what is synced; their leaves count as if all were."""
    return {cluster for cluster, each in zip(clusters, expansions, strict=True) if not each.complete}
