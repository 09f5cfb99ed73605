"""Finds the line in git that a rendered object, or a part of it, comes from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from onair.core.gate.kustomization import NAMES, kustomization_of, references
from onair.core.gate.model import Body, Locate, Object, Path, Place

if TYPE_CHECKING:
    import yaml


class _Document(NamedTuple):
    """One YAML document of a file, by what it says it is."""

    file: str
    kind: str
    name: str
    namespace: str
    root: yaml.Node


class _Match(NamedTuple):
    """How far a path could be followed in a document, and the line where that ended."""

    depth: int
    own: bool
    place: Place


def locator(files: Mapping[str, str], reach_by_leaf: Mapping[str, frozenset[str]]) -> Locate:
    """Return a function that finds objects in ``files``; each file is read when it is first asked for.

    Parameters
    ----------
    files
        Text of every file by its path from the repository's root.
    reach_by_leaf
        The files that each leaf is rendered from.
    """
    return _Locator(files, reach_by_leaf)


class _Locator:
    def __init__(self, files: Mapping[str, str], reach_by_leaf: Mapping[str, frozenset[str]]) -> None:
        self._files, self._reach = files, reach_by_leaf
        self._documents: dict[str, list[_Document]] = {}

    def __call__(self, found: Object, path: Path = ()) -> Place:
        """Return the place of ``path``: where it is written, or of the nearest parent that is."""
        if path and path[-1] == "image" and (pin := self._pin(found, path)):
            return pin
        matches = list(self._matches(found, path))
        if matches:
            # The object's own file first, unless a patch of it says more of the path.
            return max(matches, key=lambda each: (each.depth, each.own)).place
        return self._origin(found)

    def _matches(self, found: Object, path: Path) -> Iterator[_Match]:
        for document in self._of_leaf(found.leaf):
            own = (document.kind, document.name) == (found.kind, found.name)
            own = own and document.namespace in ("", found.namespace)
            patch = document.kind in (found.kind, "Deployment", "Any") and document.name in ("any", found.name)
            if own or (patch and path):
                depth, line = _follow(document.root, found.body, path)
                if own or depth == len(path):
                    yield _Match(depth, own, Place(document.file, line))

    def _of_leaf(self, leaf: str) -> Iterator[_Document]:
        for file in sorted(self._reach.get(leaf, ())):
            if file.endswith((".yaml", ".yml", ".json")) and posixpath.basename(file) not in NAMES:
                yield from self._read(file)

    def _read(self, file: str) -> list[_Document]:
        if file not in self._documents:
            self._documents[file] = list(_documents(file, self._files.get(file, "")))
        return self._documents[file]

    def _pin(self, found: Object, path: Path) -> Place | None:
        """Return the line of a kustomization's ``images`` that made this image's name."""
        last = str(found.get(*path)).partition("@")[0].rpartition("/")[2].partition(":")[0]
        for file in self._kustomizations(found.leaf):
            for number, line in enumerate(self._files[file].splitlines(), 1):
                if f"/{last}" in line and "name:" in line and ("digest:" in line or "newTag:" in line):
                    return Place(file, number)
        return None

    def _origin(self, found: Object) -> Place:
        """Return the place where what is not in this repository is named: a chart, a generator or a remote base."""
        for document in self._of_leaf(found.leaf):
            if (document.kind, document.name) == ("Application", found.application):
                return Place(document.file, document.root.start_mark.line + 1)
        generated = found.name.rpartition("-")[0]
        remote: Place | None = None
        for file in self._kustomizations(found.leaf):
            text = self._files[file]
            for number, line in enumerate(text.splitlines(), 1):
                if (
                    generated
                    and found.kind in ("ConfigMap", "Secret")
                    and f"name: {generated}," in f"{line.strip(' }')},"
                ):
                    return Place(file, number)
            named = references(posixpath.dirname(file), text)
            remote = remote or next((Place(file, each.line) for each in named if each.remote), None)
        return remote or Place(kustomization_of(self._files, found.leaf) or f"{found.leaf}/kustomization.yaml")

    def _kustomizations(self, leaf: str) -> list[str]:
        """Return the kustomizations that a leaf is made from, its own first."""
        found = [
            file for file in self._reach.get(leaf, ()) if posixpath.basename(file) in NAMES and file in self._files
        ]
        return sorted(found, key=lambda file: (posixpath.dirname(file) != leaf, file))


def _documents(file: str, text: str) -> Iterator[_Document]:
    import yaml  # noqa: PLC0415 - only where something was found

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    try:
        for root in yaml.compose_all(text, LOADER):
            if root is not None:
                metadata = _child(root, "metadata")
                named = _value(metadata, "name"), _value(metadata, "namespace")
                yield _Document(file, _value(root, "kind"), *named, root)
    except (yaml.YAMLError, RecursionError):
        return


def _follow(root: yaml.Node, body: Body, path: Path) -> tuple[int, int]:
    """Follow ``path`` through a document as far as it goes, and return how far, and the line counted from 1.

    A position in a list is that of the rendered object; in the file it is the entry of the same name.
    """
    node: yaml.Node | None = root
    rendered: object = body
    line = root.start_mark.line
    for depth, step in enumerate(path):
        rendered = _step(rendered, step)
        if isinstance(step, int):
            node = _entry(node, step, rendered)
            at = node
        else:
            at, node = _pair(node, step)
        if at is None:
            return depth, line + 1
        line = at.start_mark.line
    return len(path), line + 1


def _step(value: object, step: str | int) -> object:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
        return value[step]
    return None


def _entry(node: yaml.Node | None, position: int, rendered: object) -> yaml.Node | None:
    entries = list(node.value) if node is not None and getattr(node, "id", "") == "sequence" else []
    name = rendered.get("name") if isinstance(rendered, dict) else None
    if name is not None:
        return next((each for each in entries if _value(each, "name") == str(name)), None)
    return entries[position] if -len(entries) <= position < len(entries) else None


def _pair(node: yaml.Node | None, key: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return a mapping's key and value of that name; nothing for both where it has none."""
    if node is not None and getattr(node, "id", "") == "mapping":
        for name, value in node.value:
            if str(name.value) == key:
                return name, value
    return None, None


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return _pair(node, key)[1]


def _value(node: yaml.Node | None, key: str) -> str:
    found = _child(node, key)
    return str(found.value) if found is not None and getattr(found, "id", "") == "scalar" else ""
