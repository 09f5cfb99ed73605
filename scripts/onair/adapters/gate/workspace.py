"""A temporary copy of what leaves are rendered from, in which remote bases stand beside them."""

from __future__ import annotations

import json
import posixpath
import re
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from onair.adapters import git_read
from onair.adapters.gate.cache import Cache, key_of
from onair.core.finding import OnairError
from onair.core.gate.crd_schemas import take_out
from onair.core.gate.kustomization import NAMES, Reach, Reference, reach, references
from onair.core.gate.model import Body

_REMOTE = re.compile(r"(?P<url>https://[^?]+?)//(?P<path>[^?]+)\?ref=(?P<ref>[^&]+)")
_NEEDS_ALL = re.compile(r"^\s*(?:crds|openapi|buildMetadata|helmCharts|helmGlobals)\s*:", re.MULTILINE)
_CRD = "kind: CustomResourceDefinition"
_BELOW = ".remotes"


class _Base(NamedTuple):
    """A remote base's files by their path in its repository, and its folder; schemas are taken out."""

    files: dict[str, str]
    folder: str
    schemas: dict[str, Body]


class Workspace:
    """Folders for Kustomize to render from, without touching the working tree.

    ``plain`` is the repository as it is: Kustomize fetches remote bases itself. In ``quick`` each base has been fetched
    once for all leaves and the schemas of its CRDs are taken out (:mod:`onair.core.gate.crd_schemas`).
    """

    def __init__(self, files: Mapping[str, str], git: Mapping[str, str], cache: Cache) -> None:
        self.schemas: dict[str, Body] = {}
        self._files, self._git, self._cache = files, git, cache
        self._bases: dict[str, _Base | None] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="onair-render-", ignore_cleanup_errors=True)
        self._written: set[Path] = set()
        self._writing, self._fetching = threading.Lock(), threading.Lock()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def plain(self, reached: Reach) -> Path:
        """Return a folder with the files that a leaf is rendered from."""
        top = Path(self._folder.name) / "plain"
        self._write(top, {path: self._files[path] for path in reached.files})
        return top

    def quick(self, reached: Reach) -> Path | None:
        """Return a folder that renders the same without the network, or None where that cannot be promised."""
        if any(_NEEDS_ALL.search(self._files[path]) for path in reached.files if "kustomization" in path.lower()):
            return None
        bases = {each.target: self._base(each) for each in reached.remotes}
        if None in bases.values():
            return None
        top = Path(self._folder.name) / "quick"
        files = {path: self._files[path] for path in reached.files}
        for url, base in bases.items():
            if base is not None:
                place = f"{_BELOW}/{key_of(url)[:16]}"
                self._write(top, {f"{place}/{path}": text for path, text in base.files.items()})
                files = {path: _redirected(path, text, url, f"{place}/{base.folder}") for path, text in files.items()}
        self._write(top, files)
        return top

    def _write(self, top: Path, files: Mapping[str, str]) -> None:
        with self._writing:
            for path, text in files.items():
                file = top / path
                if file not in self._written:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8", newline="")
                    self._written.add(file)

    def _base(self, remote: Reference) -> _Base | None:
        with self._fetching:
            if remote.target not in self._bases:
                self._bases[remote.target] = self._fetched(remote)
                found = self._bases[remote.target]
                self.schemas |= found.schemas if found else {}
            return self._bases[remote.target]

    def _fetched(self, remote: Reference) -> _Base | None:
        parts = _REMOTE.fullmatch(remote.target)
        if parts is None or not remote.pinned:
            return None
        key = key_of(remote.target)
        if kept := self._cache.get("bases", key):
            return _Base(*kept)
        files = fetch(parts["url"], parts["ref"], parts["path"].split("/")[0], self._git)
        folder = parts["path"].strip("/")
        found = reach(files, folder)
        if not found.files or found.remotes or found.missing:
            return None
        if any(_NEEDS_ALL.search(files[path]) for path in found.files if "kustomization" in path.lower()):
            return None
        schemas: dict[str, Body] = {}
        base = _Base({path: _without_schemas(files[path], schemas) for path in found.files}, folder, schemas)
        self._cache.put("bases", key, tuple(base))
        return base


def fetch(url: str, ref: str, folder: str, git: Mapping[str, str]) -> dict[str, str]:
    """Return the text files below a folder of a git repository; empty where they cannot be had."""
    try:
        return dict(git_read.unpacked(git_read.archive(url, ref, folder, git)))
    except OnairError:
        return {}


def _without_schemas(text: str, schemas: dict[str, Body]) -> str:
    """Return a file's text with the schemas of its CRDs taken out into ``schemas``."""
    if _CRD not in text:
        return text
    import yaml  # noqa: PLC0415 - as above

    from onair.adapters.gate.yaml_read import documents  # noqa: PLC0415

    made = []
    for part in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        if _CRD in part:
            try:
                found = [take_out(body) for body in documents(part)]
            except yaml.YAMLError:
                return text
            for body, taken in found:
                schemas |= taken
                made.append(json.dumps(body))
        else:
            made.append(part)
    return "\n---\n".join(made)


def _redirected(path: str, text: str, url: str, folder: str) -> str:
    """Return a kustomization in which ``folder`` stands for a remote base; any other file comes back as it is."""
    if url not in text or posixpath.basename(path) not in NAMES:
        return text
    here = posixpath.dirname(path)
    named = {each.line - 1 for each in references(here, text) if each.target == url}
    whole = re.compile(re.escape(url) + r"(?![\w.+&-])")
    lines = text.split("\n")
    for line in named:
        lines[line] = whole.sub(posixpath.relpath(folder, here), lines[line])
    return "\n".join(lines)
