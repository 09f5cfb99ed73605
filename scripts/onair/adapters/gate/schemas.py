"""Reads Kubernetes' schemas (kubernetes-validate ships them) and keeps compiled ones between runs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache, key_of
from onair.core.finding import Finding, OnairError
from onair.core.gate.model import Object
from onair.core.gate.schema.schemas import Schemas, as_it_is

_DATA = "kubernetes-json-schema"
_DISTRIBUTION = "kubernetes-validate"
_AREA = "compiled"


def load(
    version: str, crds: Iterable[Object], cache: Path | None, whole: Callable[[Object], Object] = as_it_is
) -> Schemas:
    """Return the schemas of the clusters.

    Parameters
    ----------
    version
        Kubernetes' version on the clusters, e.g. ``1.36.3`` (``spec.versions.kubernetes`` of the platform's facts).
    crds
        The rendered CustomResourceDefinitions of every cluster; other objects are passed over.
    cache
        Folder of the gate's cache; None keeps nothing.
    whole
        See :attr:`onair.core.gate.model.Estate.whole`.

    Raises
    ------
    OnairError
        If this version's schemas are not there.
    """
    folder = _definitions(version)
    definitions = (item for item in crds if item.kind == "CustomResourceDefinition")
    store = _Store(Cache(cache), folder)
    return Schemas(lambda: _read(folder / "_definitions.json"), definitions, store, whole)


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


class _Store:
    """Compiled schemas in the gate's cache, each named by the data's version and this tool's own rules too."""

    def __init__(self, cache: Cache, definitions: Path) -> None:
        self._cache = cache
        version = (_package() / "version.py").read_bytes()
        self._prefix = key_of(version, code.named("core/gate/schema"), definitions.name)[:20]

    def read(self, key: str) -> str | None:
        found = self._cache.get(_AREA, f"{self._prefix}-{key}")
        return found if isinstance(found, str) else None

    def write(self, key: str, text: str) -> None:
        self._cache.put(_AREA, f"{self._prefix}-{key}", text)
