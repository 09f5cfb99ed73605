"""Renders one leaf or one chart, or takes it from the cache."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache, key_of
from onair.adapters.gate.parts import Part, Parts
from onair.adapters.gate.programs import Programs
from onair.core.finding import Finding, OnairError
from onair.core.gate.applicationsets import Application
from onair.core.gate.crd_schemas import MARK, Entangled, marks, take_out
from onair.core.gate.kustomization import Reach, Reference, kustomization_of, reach, references
from onair.core.gate.kustomize_error import cause
from onair.core.gate.model import Body
from onair.core.gate.tree_rules import WHY

if TYPE_CHECKING:
    from onair.adapters.gate.workspace import Workspace

_PINNED = re.compile(r"v?\d+(?:\.\d+)+[\w.+-]*|[0-9a-f]{40}")
_SOURCES = (
    *(f"adapters/gate/{name}.py" for name in ("cache", "leaves", "parts", "programs", "workspace", "yaml_read")),
    *(f"adapters/{name}.py" for name in ("git_read", "helm", "kustomize")),
    *(f"core/gate/{name}.py" for name in ("crd_schemas", "kustomization")),
)
# A leaf takes less memory than a collection is worth, and leaves run side by side: a third less time of a core.
# The limit is for large ones.
_SETTINGS = {"GOGC": "off", "GOMEMLIMIT": "256MiB", "GOMAXPROCS": "1"}


class Leaves:
    """The leaves and charts of one tree."""

    def __init__(
        self,
        files: Mapping[str, str],
        root: Path,
        cache: Cache,
        parts: Parts | None = None,
        under_way: threading.Event | None = None,
    ) -> None:
        self._files, self._root, self._cache, self._parts = files, root, cache, parts or Parts()
        self.under_way = under_way or threading.Event()
        self._programs = Programs(root, cache)
        self._reaches: dict[str, Reach] = {}
        self._named: dict[str, Sequence[Reference]] = {}
        self._hashes: dict[str, str] = {}
        self._schemas: dict[str, Body] = {}

    def __enter__(self) -> Leaves:
        return self

    def __exit__(self, *_: object) -> None:
        if self._named.keys() != self._remembered.keys():
            self._cache.put(
                "references", self._base_key, {key: [*map(tuple, each)] for key, each in self._named.items()}
            )
        if "_workspace" in self.__dict__:
            self._workspace.__exit__()

    @cached_property
    def _workspace(self) -> Workspace:
        from onair.adapters.gate.workspace import Workspace  # noqa: PLC0415 - not needed where every leaf is cached

        return Workspace(self._files, self._programs.environment, self._cache)

    @property
    def git(self) -> Mapping[str, str]:
        """Settings by which git reads the platform's mirrors."""
        return self._programs.environment

    @cached_property
    def _base_key(self) -> str:
        return key_of(code.named(*_SOURCES), self._programs.pins)

    def reach(self, leaf: str) -> Reach:
        """Return what a leaf is rendered from."""
        if leaf not in self._reaches:
            self._reaches[leaf] = reach(self._files, leaf, self._references)
        return self._reaches[leaf]

    def _references(self, folder: str, text: str) -> Sequence[Reference]:
        """Return what a kustomization names; remembered, because reading YAML takes longer than all else here."""
        key = key_of(folder, text)
        if key not in self._named:
            kept = self._remembered.get(key)
            self._named[key] = [Reference(*each) for each in kept] if kept is not None else references(folder, text)
        return self._named[key]

    @cached_property
    def _remembered(self) -> dict[str, list[Any]]:
        return self._cache.get("references", self._base_key) or {}

    def prepare(self, leaves: Iterable[str]) -> None:
        """Fetch the remote bases of leaves."""
        for leaf in leaves:
            self._workspace.quick(self.reach(leaf))

    def kept(self, leaf: str) -> bool:
        """Tell whether the cache has what a leaf renders to."""
        return self._cache.has("leaves", self._key(leaf))

    def leaf(self, leaf: str) -> Part:
        """Render a leaf; a fault is a finding of the part."""
        if kustomization_of(self._files, leaf) is None:
            what = f"{leaf}: no kustomization.yaml"
            mend = "add one, or take the folder out of what Applications sync"
            return Part(
                "", [], (Finding(rule="render/failed", what=what, why=WHY["render/failed"], mend=mend, file=leaf),)
            )
        key = self._key(leaf)
        return self._parts.get(key, lambda: self._kept(key, leaf) or self._rendered(key, leaf))

    def chart_key(self, application: Application) -> str:
        """Return a name for everything that a chart is made from: the same chart on two clusters is rendered once."""
        body = application.chart or application.body
        wanted = [application.name, body["spec"]["source"], application.namespace]
        return key_of(self._base_key, json.dumps(wanted, sort_keys=True))

    def chart(self, application: Application) -> Part:
        """Render an Application of another repository."""
        key = self.chart_key(application)
        return self._parts.get(key, lambda: self._chart(key, application))

    def _chart(self, key: str, application: Application) -> Part:
        pinned = _PINNED.fullmatch(str(application.body["spec"]["source"].get("targetRevision") or ""))
        again = lambda: self._templated(application)[0]  # noqa: E731
        slim = self._cache.get("charts", key)
        if slim is not None and self._has_schemas(slim):
            return Part(key, slim, (), self._schema, again)
        bodies, findings = self._templated(application)
        slim = self._slim(bodies)
        if pinned and not findings and self._programs.helm_is_pinned:
            self._cache.put("charts", key, slim)
        return Part(key if pinned else "", slim, findings, self._schema, again)

    def _templated(self, application: Application) -> tuple[list[Body], tuple[Finding, ...]]:
        from onair.adapters import helm  # noqa: PLC0415 - not needed where every chart is cached

        file = f"{application.leaf}/kustomization.yaml"
        if application.chart is None:
            name = f"{application.cluster} Application {application.name}"
            what = f"{name}: its source is no chart in git, or it has no namespace"
            mend = "commit the manifests, or name a chart by repoURL, path and targetRevision"
            return [], (
                Finding(rule="render/unsupported", what=what, why=WHY["render/unsupported"], mend=mend, file=file),
            )
        try:
            environment = self._programs.environment
            made = helm.template(application.chart, binary=self._programs.helm, environment=environment)
        except OnairError as error:
            return [], tuple(_failed(each.what, file, None) for each in error.findings)
        return _flat(made), ()

    def _key(self, leaf: str) -> str:
        found = self.reach(leaf)
        if found.missing or not all(each.pinned for each in found.remotes):
            return ""
        return key_of(self._base_key, leaf, *(self._hash(path) for path in sorted(found.files)))

    def _hash(self, path: str) -> str:
        if path not in self._hashes:
            self._hashes[path] = key_of(path, self._files[path])
        return self._hashes[path]

    def _kept(self, key: str, leaf: str) -> Part | None:
        slim = self._cache.get("leaves", key) if key else None
        if slim is None or not self._has_schemas(slim):
            return None
        return Part(key, slim, (), self._schema, lambda: self._afresh(leaf))

    def _afresh(self, leaf: str) -> list[Body]:
        with Leaves(self._files, self._root, Cache(None)) as leaves:
            return leaves.leaf(leaf).bodies

    def _rendered(self, key: str, leaf: str) -> Part:
        try:
            slim = self._quick(leaf)
            slim = self._slim(self._build(self._workspace.plain(self.reach(leaf)), leaf)) if slim is None else slim
        except OnairError as error:
            return Part("", [], error.findings)
        if key and not self._programs.stand_in:
            self._cache.put("leaves", key, slim)
        return Part(key, slim, (), self._schema, lambda: self._afresh(leaf))

    def _quick(self, leaf: str) -> list[Body] | None:
        """Render without remote bases' schemas, or return None where that is not the same."""
        if not self.reach(leaf).remotes:
            return None
        folder = self._workspace.quick(self.reach(leaf))
        if folder is None:
            return None
        try:
            bodies = self._build(folder, leaf)
            found = list(marks(bodies))
        except (OnairError, Entangled):
            return None
        if json.dumps(bodies).count(MARK) != len(found):
            return None
        self._keep(self._workspace.schemas)
        return bodies

    def _build(self, folder: Path, leaf: str) -> list[Body]:
        from onair.adapters import kustomize  # noqa: PLC0415 - not needed where every leaf is cached

        program = self._programs.kustomize  # that there is none is no fault of the leaf
        self.under_way.set()
        try:
            done = kustomize.run(program, folder / leaf, {**_SETTINGS, **self._programs.environment})
        except OnairError as error:
            file = kustomization_of(self._files, leaf)
            raise OnairError(*(_failed(each.what, str(file), None) for each in error.findings)) from error
        if done.returncode:
            reached = {path: self._files[path] for path in self.reach(leaf).files}
            found = cause(done.stderr.decode(errors="replace"), str(folder), reached)
            file = found.file or kustomization_of(self._files, leaf)
            raise OnairError(_failed(found.what, str(file), found.line))
        from onair.adapters.gate.yaml_read import documents  # noqa: PLC0415 - loaded while the program runs

        return _flat(documents(done.stdout))

    def _slim(self, bodies: list[Body]) -> list[Body]:
        made = []
        for body in bodies:
            slim, taken = take_out(body)
            self._keep(taken)
            made.append(slim)
        return made

    def _keep(self, schemas: Mapping[str, Body]) -> None:
        for digest, schema in schemas.items():
            if digest not in self._schemas:
                self._schemas[digest] = schema
                if not self._cache.has("schemas", digest):
                    self._cache.put("schemas", digest, schema)

    def _has_schemas(self, slim: list[Body]) -> bool:
        return all(digest in self._schemas or self._cache.has("schemas", digest) for digest in marks(slim))

    def _schema(self, digest: str) -> Body:
        if digest not in self._schemas:
            found = self._cache.get("schemas", digest)
            if found is None:
                raise KeyError(digest)
            self._schemas[digest] = found
        return self._schemas[digest]


def _flat(bodies: Iterable[Any]) -> list[Body]:
    """Return objects, those of a ``List`` one by one."""
    found: list[Body] = []
    for body in bodies:
        if isinstance(body, dict) and str(body.get("kind")).endswith("List") and isinstance(body.get("items"), list):
            found += _flat(body["items"])
        elif isinstance(body, dict):
            found.append(body)
    return found


def _failed(what: str, file: str, line: int | None) -> Finding:
    mend = "correct what it names; to see it whole: kustomize build on the leaf's folder"
    return Finding(rule="render/failed", what=what, why=WHY["render/failed"], mend=mend, file=file, line=line)
