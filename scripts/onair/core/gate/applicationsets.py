"""Expands ApplicationSets off line, as Argo CD's controller would on a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from onair.core.finding import Finding
from onair.core.gate.model import Body
from onair.core.gate.tree_rules import WHY

BOOTSTRAP = "clusters/{cluster}/infrastructure/argocd"
"""The leaf that day 0 applies by hand; all else follows from it."""

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_MIRRORED = re.compile(r"^http://[^/]+/mirrors/")
_SEGMENT = re.compile(r"index\s+\.path\.segments\s+(\d+)")
_NOT_A_NAME = re.compile(r"[^-a-z0-9.]")
_GENERATOR_KEYS = {"repoURL", "revision", "requeueAfterSeconds", "directories"}


@dataclass(frozen=True)
class Application:
    """One Application as the cluster would have it.

    Attributes
    ----------
    cluster, name, project
        E.g. ``prod-kr``, ``web``, ``apps``.
    path
        The folder that it syncs; of another repository where ``foreign`` says so.
    namespace
        Where namespaced objects go that name none.
    leaf
        The folder in this repository that its objects come from; a chart's is the leaf that holds the Application.
    foreign
        True where the source is another repository (a chart).
    body
        The manifest, expanded.
    """

    cluster: str
    name: str
    path: str
    namespace: str
    project: str
    leaf: str
    foreign: bool
    body: Body

    @property
    def chart(self) -> Body | None:
        """The manifest for :func:`onair.adapters.helm.template`; None where its source is no chart in git.

        Local regions read upstream's repositories from the hub's mirrors; the chart is upstream's all the same.
        """
        source = self.body["spec"]["source"]
        complete = all(isinstance(source.get(key), str) for key in ("repoURL", "path", "targetRevision"))
        if not isinstance(source.get("helm"), dict) or "chart" in source or not complete or not self.namespace:
            return None
        upstream = _MIRRORED.sub("https://", str(source.get("repoURL")))
        return {**self.body, "spec": {**self.body["spec"], "source": {**source, "repoURL": upstream}}}


class Expansion(NamedTuple):
    """What a cluster's Argo CD would follow.

    Attributes
    ----------
    applications
        Those that stand in leaves and those that ApplicationSets make.
    findings
        A finding for everything that could not be expanded: nothing is skipped in silence.
    complete
        False where an Application may be missing.
    """

    applications: list[Application]
    findings: list[Finding]
    complete: bool


class Unsupported(Exception):
    """Something that cannot be expanded off line; the message names it."""


def folders_of(files: Iterable[str]) -> set[str]:
    """Return every folder that holds a file, as git knows them, without hidden ones."""
    found: set[str] = set()
    for file in files:
        folder = file.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return {folder for folder in found if not any(part.startswith(".") for part in folder.split("/"))}


def applications_of(cluster: str, folders: Collection[str], objects_of: Callable[[str], Sequence[Body]]) -> Expansion:
    """Return every Application of a cluster, from what is applied by hand down.

    Parameters
    ----------
    folders
        Every folder of the repository (:func:`folders_of`).
    objects_of
        Renders a leaf; one that does not render has no objects.
    """
    leaf = BOOTSTRAP.format(cluster=cluster)
    first = objects_of(leaf)
    repository = _repository(leaf, first)
    if repository is None:
        what = f"{cluster}: no Application in {leaf} syncs that folder itself"
        return Expansion([], [_finding("applicationset/no-bootstrap", what, leaf)] if first else [], complete=False)
    found: list[Application] = []
    findings: list[Finding] = []
    waiting, seen = [leaf], {leaf}
    while waiting:
        leaf = waiting.pop()
        for body in objects_of(leaf):
            try:
                made = [_application(cluster, leaf, each, repository) for each in _made(body, folders, repository)]
            except (
                Unsupported,
                AttributeError,
                KeyError,
                TypeError,
            ) as error:  # the latter: a list where a mapping is due
                what = f"{cluster} {body.get('kind')} {_name(body)}: {error}"
                findings.append(_finding("applicationset/unsupported", what, leaf))
                continue
            found += made
            fresh = [each.path for each in made if not each.foreign and each.path not in seen]
            seen.update(fresh)
            waiting += fresh
    complete = not findings
    return Expansion(found, [*findings, *_duplicates(cluster, found)], complete)


def matches(pattern: str, folder: str) -> bool:
    """Tell whether a folder fits a pattern of the git generator: Go's ``path.Match``, where ``*`` stops at a slash."""
    return _pattern(pattern).fullmatch(folder) is not None


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    words = {"*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*|\?|\[\^?[^\]]+\])", pattern)  # the odd ones are what is special
    found = (words.get(part, part) if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile("".join(found))


def _made(body: Body, folders: Collection[str], repository: str) -> Iterator[Body]:
    """Iterate over the Applications that an object is or makes."""
    if str(body.get("apiVersion")).startswith("argoproj.io/"):
        if body.get("kind") == "Application":
            yield body
        elif body.get("kind") == "ApplicationSet":
            yield from _generated(body, folders, repository)


def _generated(body: Body, folders: Collection[str], repository: str) -> Iterator[Body]:
    spec = body.get("spec") or {}
    if not spec.get("goTemplate"):
        raise Unsupported("goTemplate is not true")
    if "templatePatch" in spec:
        raise Unsupported("templatePatch is set")
    for generator in spec.get("generators") or ():
        for folder in _directories(generator, folders, repository):
            made = _filled(spec.get("template") or {}, folder)
            metadata = {"namespace": (body.get("metadata") or {}).get("namespace"), **(made.get("metadata") or {})}
            yield {"apiVersion": body["apiVersion"], "kind": "Application", **made, "metadata": metadata}


def _directories(generator: Mapping[str, Any], folders: Collection[str], repository: str) -> list[str]:
    if set(generator) != {"git"}:
        raise Unsupported(f"generator {', '.join(sorted(generator))}")
    git = generator["git"]
    if unknown := {key for key in git if key not in _GENERATOR_KEYS and not (key == "template" and _blank(git[key]))}:
        raise Unsupported(f"git generator with {', '.join(sorted(unknown))}")
    if git.get("repoURL") != repository:
        raise Unsupported(f"git generator over {git.get('repoURL')}, which is not {repository}")
    wanted = [each["path"] for each in git.get("directories") or () if not each.get("exclude")]
    excluded = [each["path"] for each in git.get("directories") or () if each.get("exclude")]
    return sorted(
        folder
        for folder in folders
        if any(matches(each, folder) for each in wanted) and not any(matches(each, folder) for each in excluded)
    )


def _blank(node: Any) -> bool:  # noqa: ANN401 - any part of a manifest
    """Tell whether a template overrides nothing: the form in which Argo CD writes one back that was not given."""
    return all(_blank(value) for value in node.values()) if isinstance(node, dict) else not node


def _filled(node: Any, folder: str) -> Any:  # noqa: ANN401 - any part of a manifest
    if isinstance(node, dict):
        return {_filled(key, folder): _filled(value, folder) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, folder) for value in node]
    return _ACTION.sub(lambda action: _value(action[1], folder), node) if isinstance(node, str) else node


def _value(action: str, folder: str) -> str:
    segments = folder.split("/")
    known = {
        ".path.path": folder,
        ".path.basename": segments[-1],
        ".path.basenameNormalized": _NOT_A_NAME.sub("-", segments[-1].lower()),
    }
    if action in known:
        return known[action]
    position = _SEGMENT.fullmatch(action)
    if position and int(position[1]) < len(segments):
        return segments[int(position[1])]
    raise Unsupported(f"template {{{{{action}}}}}; known: {', '.join(known)}, index .path.segments N")


def _application(cluster: str, leaf: str, body: Body, repository: str) -> Application:
    """Return what stands in a manifest.

    Raises
    ------
    Unsupported
        It has more sources than one, or none.
    """
    metadata, spec = body.get("metadata") or {}, body.get("spec") or {}
    source, destination = spec.get("source"), spec.get("destination") or {}
    if not isinstance(source, dict) or "sources" in spec:
        raise Unsupported(f"Application {metadata.get('name')} has not exactly one source")
    foreign = source.get("repoURL") != repository
    path = str(source.get("path") or "").strip("/")
    return Application(
        cluster=cluster,
        name=str(metadata.get("name")),
        path=path,
        namespace=str(destination.get("namespace") or ""),
        project=str(spec.get("project") or "default"),
        leaf=leaf if foreign else path,
        foreign=foreign,
        body=body,
    )


def _repository(leaf: str, objects: Iterable[Body]) -> str | None:
    """Return the URL under which a cluster knows this repository: the bootstrap Application's, which syncs ``leaf``."""
    for body in objects:
        spec = body.get("spec")
        source = spec.get("source") if isinstance(spec, dict) else None
        if body.get("kind") == "Application" and isinstance(source, dict) and source.get("path") == leaf:
            return str(source.get("repoURL"))
    return None


def _duplicates(cluster: str, applications: Sequence[Application]) -> Iterator[Finding]:
    places: dict[str, list[Application]] = {}
    for each in applications:
        places.setdefault(each.name, []).append(each)
    for name, same in places.items():
        if len(same) > 1:
            paths = ", ".join(each.path for each in same)
            what = f"{cluster}: {len(same)} Applications are called {name}: {paths}"
            yield _finding("applicationset/duplicate", what, same[0].leaf)


def _name(body: Body) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""


_MENDS = {
    "applicationset/unsupported": "use goTemplate over git directories of this repository, one source an Application",
    "applicationset/duplicate": "rename a folder, or name the Applications by more than the folder's name",
    "applicationset/no-bootstrap": "add the bootstrap Application, its source.path that folder",
}


def _finding(rule: str, what: str, leaf: str) -> Finding:
    return Finding(rule=rule, what=what, why=WHY[rule], mend=_MENDS[rule], file=f"{leaf}/kustomization.yaml")
