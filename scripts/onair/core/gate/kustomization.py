"""What a kustomization names, and which files a leaf is rendered from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from onair.core.finding import Finding
from onair.core.gate.tree_rules import WHY

if TYPE_CHECKING:
    import yaml

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""File names that Kustomize knows a folder by, in its order."""

FED = re.compile(r"(apps|infrastructure)/([^/]+/base|components)/|clusters/")
"""Where every file must be part of a leaf."""

_REMOTE = re.compile(r"^(?:[a-z0-9+.-]+://|git::|git@|github\.com[:/])|\?ref=")
_PINNED = re.compile(r"[?&]ref=(?:(?:[\w.-]+/)*v?\d+(?:\.\d+)+[\w.+-]*|[0-9a-f]{40})(?:&|$)")
_EITHER = ("resources", "components", "bases", "generators", "transformers", "validators")
_FILES = ("crds", "configurations", "patchesStrategicMerge")
_PATHS = ("patches", "patchesJson6902", "replacements")


class Reference(NamedTuple):
    """One file, folder or remote base that a kustomization names.

    Attributes
    ----------
    field
        The kustomization's field, e.g. ``resources``.
    written
        As it is written.
    target
        Path from the repository's root (it starts with ``..`` where it leads out), or the URL of a remote one.
    remote
        True for a URL.
    line
        Where it is written, counted from 1.
    """

    field: str
    written: str
    target: str
    remote: bool
    line: int

    @property
    def pinned(self) -> bool:
        """Tell whether a remote one names a release's tag or a commit, so that it is always the same."""
        return _PINNED.search(self.target) is not None


class Missing(NamedTuple):
    """A reference to nothing, and the kustomization that makes it."""

    file: str
    reference: Reference


class Reach(NamedTuple):
    """What a leaf is rendered from.

    Attributes
    ----------
    files
        Paths from the repository's root, kustomizations included.
    remotes
        Remote bases.
    missing
        References to files that do not exist.
    """

    files: frozenset[str]
    remotes: frozenset[Reference]
    missing: tuple[Missing, ...]


def kustomization_of(files: Collection[str] | Mapping[str, str], folder: str) -> str | None:
    """Return the path of a folder's kustomization, or None where it has none."""
    return next((path for path in (posixpath.join(folder, name) for name in NAMES) if path in files), None)


def references(folder: str, text: str) -> tuple[Reference, ...]:
    """Return everything that a kustomization names, in the order it is written.

    Parameters
    ----------
    folder
        The folder of the kustomization, from the repository's root.
    text
        The kustomization; one that is no YAML mapping names nothing (strict reading tells of it).
    """
    import yaml  # noqa: PLC0415 - not needed where every leaf is cached

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    try:
        root = yaml.compose(text, LOADER)
    except (yaml.YAMLError, RecursionError):
        return ()
    found = []
    for field, node in _named(root):
        written = str(node.value)
        remote = _REMOTE.search(written) is not None
        target = written if remote else posixpath.normpath(posixpath.join(folder, written))
        found.append(Reference(field, written, target, remote, node.start_mark.line + 1))
    return tuple(found)


def reach(files: Mapping[str, str], leaf: str, named: Callable[[str, str], Sequence[Reference]] | None = None) -> Reach:
    """Follow a leaf's references to the end.

    Parameters
    ----------
    files
        Text of every file by its path from the repository's root.
    leaf
        The leaf's folder.
    named
        Does what :func:`references` does, from memory.
    """
    named = named or references
    reached: set[str] = set()
    remotes: set[Reference] = set()
    missing: list[Missing] = []
    waiting, seen = [leaf], {leaf}
    while waiting:
        folder = waiting.pop()
        file = kustomization_of(files, folder)
        if file is None:
            continue
        reached.add(file)
        for each in named(folder, files[file]):
            if each.remote:
                remotes.add(each)
            elif each.target in files:
                reached.add(each.target)
            elif each.field == "helmGlobals":
                reached |= {path for path in files if path.startswith(f"{each.target}/")}
            elif kustomization_of(files, each.target) is None:
                missing.append(Missing(file, each))
            elif each.target not in seen:
                seen.add(each.target)
                waiting.append(each.target)
    return Reach(frozenset(reached), frozenset(remotes), tuple(missing))


def missing_references(reaches: Iterable[Reach]) -> list[Finding]:
    """Return a finding for every reference to nothing (rule ``tree/missing-reference``)."""
    found = sorted({missing for each in reaches for missing in each.missing})
    return [
        Finding(
            rule="tree/missing-reference",
            what=f"{each.reference.field}: {each.reference.written} {_fault(each.reference)}",
            why=WHY["tree/missing-reference"],
            mend="correct the path, or add the file",
            file=each.file,
            line=each.reference.line,
        )
        for each in found
    ]


def unreached(files: Mapping[str, str], reached: Collection[str]) -> list[Finding]:
    """Return a finding for every file that looks as if it were deployed but is not (rule ``tree/unreached``).

    Parameters
    ----------
    files
        Text of every file by its path from the repository's root.
    reached
        What the leaves are rendered from, of all clusters together.
    """
    return [
        Finding(
            rule="tree/unreached",
            what=f"{path} is part of no leaf that an Application syncs",
            why=WHY["tree/unreached"],
            mend="name it in a kustomization's resources or patches, or remove it",
            file=path,
        )
        for path in sorted(files)
        if path not in reached and FED.match(path) and not _is_data(path, files[path])
    ]


def _fault(reference: Reference) -> str:
    return "leads out of the repository" if reference.target.startswith("..") else "does not exist"


def _is_data(path: str, text: str) -> bool:
    """Tell whether onair itself reads a file of ``clusters/platform``: an object of its own API group."""
    return posixpath.dirname(path) == "clusters/platform" and "apiVersion: onair.dev/" in text


def _named(root: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Iterate over (field, scalar node) of everything that is a path or an address."""
    for field, node in _pairs(root):
        if field in _EITHER or field in _FILES:
            yield from ((field, each) for each in _scalars(node) if not _is_inline(each.value))
        elif field in _PATHS:
            yield from ((field, each) for entry in _items(node) for each in _scalars(_child(entry, "path")))
        elif field in ("configMapGenerator", "secretGenerator"):
            for entry in _items(node):
                yield from ((field, each) for each in _sources(entry))
        elif field == "openapi":
            yield from ((field, each) for each in _scalars(_child(node, "path")))
        elif field == "helmGlobals":
            yield from ((field, each) for each in _scalars(_child(node, "chartHome")))
        elif field == "helmCharts":
            for entry in _items(node):
                for key in ("valuesFile", "additionalValuesFiles"):
                    yield from ((field, each) for each in _scalars(_child(entry, key)))


def _is_inline(value: str) -> bool:
    """Tell whether a patch or a transformer stands in the kustomization itself, where a path could."""
    return "\n" in value or value.lstrip().startswith("{")


def _sources(entry: yaml.Node | None) -> Iterator[yaml.Node]:
    """Iterate over a generator's files; ``key=path`` names a path."""
    for key in ("files", "envs", "env"):
        for each in _scalars(_child(entry, key)):
            if key == "files" and "=" in each.value:
                each.value = each.value.partition("=")[2]
            yield each


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if node is not None and getattr(node, "id", "") == "mapping":
        yield from ((str(key.value), value) for key, value in node.value)


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return next((value for name, value in _pairs(node) if name == key), None)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if node is not None and getattr(node, "id", "") == "sequence" else []


def _scalars(node: yaml.Node | None) -> list[yaml.Node]:
    """Return a scalar, or the scalars of a list, that are not empty."""
    nodes = [node] if node is not None and getattr(node, "id", "") == "scalar" else _items(node)
    return [each for each in nodes if getattr(each, "id", "") == "scalar" and each.value]
