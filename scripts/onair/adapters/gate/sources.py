"""The YAML that stands in git: what is wrong with it as such, and the data files that rules go by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache, key_of, key_of_files
from onair.core.cloud import outputs
from onair.core.finding import Finding
from onair.core.gate.model import Body

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


class Facts(NamedTuple):
    """What the data files say.

    Attributes
    ----------
    clusters
        The facts of each cluster by its name, as written.
    platform
        The facts of the platform, as written.
    data
        The first document of each data file, by path; one that cannot be read is left to :func:`findings`.
    """

    clusters: dict[str, Body]
    platform: Body
    data: dict[str, Body]


def facts(files: Mapping[str, str], cache: Cache) -> Facts:
    """Return what the data files say; remembered, because reading YAML takes longer than all else here."""
    wanted = {path: text for path, text in files.items() if path.endswith(FACTS) or _is_data(path)}
    key = key_of_files(code.whole(), wanted)
    if (kept := cache.get("facts", key)) is not None:
        return Facts(*kept)
    bodies = {path: body for path, text in wanted.items() if (body := _body(text))}
    found = Facts(
        clusters={path.split("/")[1]: _spec(body) for path, body in bodies.items() if path.endswith(FACTS)},
        platform=_spec(bodies.get(PLATFORM)),
        data={path: body for path, body in bodies.items() if _is_data(path)},
    )
    cache.put("facts", key, tuple(found))
    return found


def _is_data(path: str) -> bool:
    return (path.rpartition("/")[0] == DATA and path.endswith(SUFFIXES)) or path.endswith(outputs.FILE)


def _body(text: str) -> Body | None:
    import yaml  # noqa: PLC0415 - not needed where all is remembered

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    try:
        found = next(iter(yaml.load_all(text, Loader=LOADER)), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _spec(body: Body | None) -> Body:
    found = (body or {}).get("spec")
    return found if isinstance(found, dict) else {}
