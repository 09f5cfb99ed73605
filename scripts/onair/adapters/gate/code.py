"""Names for the code that judges: what other code remembered is not believed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from onair.adapters.gate.cache import key_of

_TOP = Path(__file__).resolve().parents[2]
_LIBRARIES = (
    "cel_expr_python",
    "detect_secrets",
    "jsonschema_rs",
    "kubernetes_validate",
    "msgspec",
    "promql_parser",
    "pyyaml",
)
"""Libraries whose verdicts are remembered: another version judges again."""
_FOLDED = re.compile(r"[-_.]+")


@cache
def whole() -> str:
    """Return a name for everything that judges, its libraries included."""
    found = versions()
    return key_of(named("core", "adapters/gate"), *(f"{each}=={found.get(each)}" for each in _LIBRARIES))


@cache
def named(*places: str) -> str:
    """Return a name for the content of modules and folders of this package, e.g. ``adapters/helm.py``."""
    return key_of(*(part for place in places for file in _modules(_TOP / place) for part in (str(place), file)))


def _modules(place: Path) -> Iterator[bytes]:
    if place.suffix:
        yield place.read_bytes()
        return
    for folder, below, files in os.walk(place):
        below.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                file = f"{folder}/{name}"
                yield os.path.relpath(file, place).encode()
                yield Path(file).read_bytes()


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of all installed distributions, by name with underscores.

    importlib.metadata knows them too, but loading it and reading a distribution's whole description takes 40 ms.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for entry in _entries(folder):
            name, _, version = entry.removesuffix(".dist-info").rpartition("-")
            if entry.endswith(".dist-info"):
                found.setdefault(_FOLDED.sub("_", name).lower(), version)
    return found


def _entries(folder: str) -> Collection[str]:
    try:
        return sorted(os.listdir(folder or "."))  # noqa: PTH208 - thousands of Path objects take longer than reading
    except OSError:  # a zip file, or nothing
        return ()
