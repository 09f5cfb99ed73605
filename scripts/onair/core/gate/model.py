"""What the gate looks at: the repository as Argo CD would sync it, and where each object comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from onair.core.finding import Finding

Body = dict[str, Any]
Path = Sequence[str | int]
"""Keys and list positions from an object's root, e.g. ``("spec", "ports", 0, "port")``."""


class Place(NamedTuple):
    """Where something is written: a file relative to the repository's root, and a line counted from 1."""

    file: str
    line: int | None = None


class Identity(NamedTuple):
    """What the API server tells objects of one cluster apart by; the version is not part of it."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """``Kind namespace/name``, as findings say it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, eq=False)
class Object:
    """One rendered object.

    Attributes
    ----------
    cluster, application
        Who would sync it, e.g. ``prod-kr`` and ``web``. An Application that stands inside a leaf (a chart) is one of
        its own.
    leaf
        Folder of the leaf that it comes from, e.g. ``clusters/prod-kr/apps/web``.
    body
        The manifest; never changed by a check.
    """

    cluster: str
    application: str
    leaf: str
    body: Body

    @cached_property
    def api_version(self) -> str:
        """E.g. ``apps/v1``; empty where the manifest has none."""
        return str(self.body.get("apiVersion") or "")

    @cached_property
    def kind(self) -> str:
        """E.g. ``Deployment``; empty where the manifest has none."""
        return str(self.body.get("kind") or "")

    @cached_property
    def metadata(self) -> Body:
        """The object's metadata; empty where it has none."""
        found = self.body.get("metadata")
        return found if isinstance(found, dict) else {}

    @cached_property
    def name(self) -> str:
        """The object's name; empty where it has none."""
        return str(self.metadata.get("name") or "")

    @cached_property
    def namespace(self) -> str:
        """The namespace that it is synced to (a leaf's objects name theirs); empty for cluster-wide ones."""
        return str(self.metadata.get("namespace") or "")

    @cached_property
    def identity(self) -> Identity:
        """What tells it apart from the other objects of its cluster."""
        group = self.api_version.rpartition("/")[0]
        return Identity(group, self.kind, self.namespace, self.name)

    def get(self, *path: str | int) -> Any:  # noqa: ANN401 - whatever stands there
        """Return what stands at ``path``, or None where a step of it is missing."""
        found: Any = self.body
        for step in path:
            if isinstance(step, int):
                found = found[step] if isinstance(found, list) and -len(found) <= step < len(found) else None
            else:
                found = found.get(step) if isinstance(found, dict) else None
            if found is None:
                return None
        return found


class Locate(Protocol):
    """Finds the line in git that an object, or a part of it, was rendered from."""

    def __call__(self, found: Object, path: Path = ()) -> Place:
        """Return the place of ``path`` in ``found``, or of the nearest parent that is written somewhere."""
        ...


@dataclass(frozen=True)
class Estate:
    """Everything that would run, on every cluster.

    Attributes
    ----------
    objects
        All rendered objects, hooks and charts included.
    clusters
        Facts by cluster name: the ``spec`` of ``clusters/<cluster>/facts/cluster.yaml``, as written.
    platform
        The ``spec`` of ``clusters/platform/platform.yaml``, as written.
    data
        The data files of ``clusters/platform``, by path, parsed; e.g. absences, secrets; and each cluster's outputs.
    texts
        Text of every file below ``apps``, ``clusters``, ``infrastructure``, ``policies`` (sources excluded) by path.
    locate
        Finds an object's place in git.
    brought
        Definitions of the kinds that clusters have although nothing syncs them (``clusters/platform/kinds.yaml``).
    whole
        Returns a CustomResourceDefinition with its schemas, which are nine tenths of an estate and which few rules look
        at: in ``objects`` marks stand for them, equal for equal ones.
    """

    objects: Sequence[Object]
    clusters: Mapping[str, Body] = field(default_factory=dict)
    platform: Body = field(default_factory=dict)
    data: Mapping[str, Body] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    locate: Locate = lambda found, path=(): Place(f"{found.leaf}/kustomization.yaml")
    brought: Sequence[Object] = ()
    whole: Callable[[Object], Object] = lambda found: found

    @cached_property
    def by_cluster(self) -> dict[str, list[Object]]:
        """The objects of each cluster; a cluster that runs nothing has an empty list."""
        found: dict[str, list[Object]] = {name: [] for name in self.clusters}
        for each in self.objects:
            found.setdefault(each.cluster, []).append(each)
        return found

    def clusters_of(self, environment: str) -> dict[str, Body]:
        """Return the facts of an environment's clusters, by name."""
        return {name: facts for name, facts in self.clusters.items() if facts.get("environment") == environment}

    def of(self, *kinds: str) -> Iterator[Object]:
        """Iterate over the objects of these kinds."""
        return (each for each in self.objects if each.kind in kinds)

    def finding(self, rule: str, found: Object, what: str, *, at: Path = (), why: str = "", mend: str = "") -> Finding:
        """Return a finding about ``found``, at the line that it was rendered from."""
        place = self.locate(found, at)
        return Finding(
            rule=rule,
            what=f"{found.cluster} {found.identity}: {what}",
            why=why,
            mend=mend,
            file=place.file,
            line=place.line,
        )


Check = Callable[[Estate], Iterable[Finding]]
"""A rule over many objects."""


class Rule(NamedTuple):
    """A rule, as ``onair explain`` tells of it.

    Attributes
    ----------
    id
        ``area/name``; what findings carry.
    why
        What happens where it is broken; with the source of the claim.
    bad, good
        A short example of each, as YAML.
    check
        Finds what breaks it; None for a rule that is enforced elsewhere (a policy, the schema).
    basis
        Everything that decides whether ``check`` finds something, as plain data; where it is known to find nothing, it
        need not be run. None where finding out takes as long as the check.
    """

    id: str
    why: str
    bad: str
    good: str
    check: Check | None = None
    basis: Callable[[Estate], object] | None = None
