"""Reads Kubernetes' schemas (kubernetes-validate ships them) and keeps compiled ones between runs."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from onair.core.finding import Finding, OnairError
from onair.core.gate import schema as package
from onair.core.gate.model import Object
from onair.core.gate.schema.schemas import Schemas

_DATA = "kubernetes-json-schema"
_DISTRIBUTION = "kubernetes-validate"
KEPT_SECONDS = 30 * 24 * 3600
"""After which a compiled schema is made again; its version or the tool's may be long gone."""


def load(version: str, crds: Iterable[Object], cache: Path | None) -> Schemas:
    """Return the schemas of the clusters.

    Parameters
    ----------
    version
        Kubernetes' version on the clusters, e.g. ``1.36.3`` (``spec.versions.kubernetes`` of the platform's facts).
    crds
        The rendered CustomResourceDefinitions of every cluster; other objects are passed over.
    cache
        Folder of the gate's cache; None keeps nothing.

    Raises
    ------
    OnairError
        If this version's schemas are not there.
    """
    folder = _definitions(version)
    definitions = (item for item in crds if item.kind == "CustomResourceDefinition")
    store = _Files(cache / "schemas", f"{_key()}-{folder.name}") if cache else _Nothing()
    return Schemas(lambda: _read(folder / "_definitions.json"), definitions, store)


def _definitions(version: str) -> Path:
    folder = _package()
    minor = ".".join(version.removeprefix("v").split(".")[:2])
    strict = folder / _DATA / f"v{minor}.0-local-strict"
    if not (strict / "_definitions.json").is_file():
        known = sorted(path.name for path in (folder / _DATA).glob("v*-strict"))
        what = f"{_DISTRIBUTION} has no schemas for Kubernetes {version}; it has {', '.join(known) or 'none at all'}"
        raise OnairError(
            Finding(rule="schema/version", what=what, mend="raise kubernetes-validate in requirements/onair.in")
        )
    return strict


@cache
def _package() -> Path:
    # The module itself takes 0.2 s to import (jsonschema); only its data is wanted.
    found = importlib.util.find_spec("kubernetes_validate")
    return Path(found.origin).parent if found and found.origin else Path()


def _read(file: Path) -> Mapping[str, Any]:
    definitions: Mapping[str, Any] = json.loads(file.read_bytes())["$defs"]
    return definitions


@cache
def _key() -> str:
    """Return what compiled schemas depend on: the data's version and this tool's own rules."""
    digest = hashlib.sha256((_package() / "version.py").read_bytes())
    for source in sorted(Path(next(iter(package.__path__))).glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:20]


class _Nothing:
    def read(self, key: str) -> str | None:
        return None

    def write(self, key: str, text: str) -> None:
        return None


class _Files:
    """A file a kind. Each says its own length and digest, so that a torn one is made again."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder, self._prefix = folder, prefix
        self._pruned = False

    def _file(self, key: str) -> Path:
        return self._folder / f"{self._prefix}-{key}.json"

    def _prune(self) -> None:
        if self._pruned:
            return
        self._pruned, oldest = True, time.time() - KEPT_SECONDS
        for file in self._folder.iterdir():
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)

    def read(self, key: str) -> str | None:
        try:
            digest, _, text = self._file(key).read_bytes().partition(b"\n")
        except OSError:
            return None
        return text.decode() if hashlib.sha256(text).hexdigest().encode() == digest else None

    def write(self, key: str, text: str) -> None:
        content = text.encode()
        with contextlib.suppress(OSError):  # a full or read-only disk costs time, nothing else
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            self._prune()
            os.replace(file.name, self._file(key))  # noqa: PTH105 - both are names, and it must be atomic
