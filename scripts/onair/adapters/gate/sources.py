"""The YAML that stands in git: what is wrong with it as such, and the data files that rules go by."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from onair.adapters.gate.cache import Cache, key_of
from onair.core.finding import Finding
from onair.core.gate.model import Body
from onair.core.yaml_loader import LOADER

DATA = "clusters/platform"
FACTS = "/facts/cluster.yaml"
PLATFORM = "clusters/platform/platform.yaml"
SUFFIXES = (".yaml", ".yml")
_AREA = "sources"


def findings(files: Mapping[str, str], cache: Cache, version: str) -> list[Finding]:
    """Return what is wrong with the YAML files, as files; a file that was clean is not read again.

    Parameters
    ----------
    version
        Names the code that judges: what another one found clean is read again.
    """
    known = set(cache.get(_AREA, version) or ())
    clean, found = set(), []
    for path, text in files.items():
        if not path.endswith(SUFFIXES):
            continue
        key = key_of(text)
        if key not in known:
            from onair.core.gate.yaml_source import parse  # noqa: PLC0415 - not needed where all is known

            if faults := parse(path, text)[1]:
                found += faults
                continue
        clean.add(key)
    if clean - known:
        cache.put(_AREA, version, list(clean))
    return found


def data(files: Mapping[str, str]) -> dict[str, Body]:
    """Return the first document of each data file, by path; one that cannot be read is left to :func:`findings`."""
    return {path: body for path in files if _is_data(path) and (body := _body(files[path]))}


def clusters(files: Mapping[str, str]) -> dict[str, Body]:
    """Return the facts of each cluster by its name, as written."""
    found = {path.split("/")[1]: _body(text) for path, text in files.items() if path.endswith(FACTS)}
    return {name: _spec(body) for name, body in found.items() if body}


def platform(files: Mapping[str, str]) -> Body:
    """Return the facts of the platform, as written."""
    return _spec(_body(files.get(PLATFORM, "")))


def _is_data(path: str) -> bool:
    return path.rpartition("/")[0] == DATA and path.endswith(SUFFIXES)


def _body(text: str) -> Body | None:
    try:
        found = next(iter(yaml.load_all(text, Loader=LOADER)), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _spec(body: Body | None) -> Body:
    found = (body or {}).get("spec")
    return found if isinstance(found, dict) else {}
