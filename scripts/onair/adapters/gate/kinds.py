"""Gets the definitions of the kinds that clouds bring (``clusters/platform/kinds.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache, key_of
from onair.core.finding import Finding
from onair.core.gate.model import Body
from onair.core.gate.tree_rules import WHY

FILE = "clusters/platform/kinds.yaml"
_SOURCES = ("adapters/gate/kinds.py", "adapters/gate/yaml_read.py", "core/gate/brought.py")


def definitions(
    files: Mapping[str, str], git: Mapping[str, str], cache: Cache
) -> tuple[dict[str, list[Body]], list[Finding]]:
    """Return the definitions by environment, and why some are not there.

    Parameters
    ----------
    git
        Settings by which git reads mirrors.
    """
    if FILE not in files:
        return {}, []
    key = key_of(code.named(*_SOURCES), files[FILE])
    if (kept := cache.get("kinds", key)) is not None:
        return kept, []
    from onair.core.finding import OnairError  # noqa: PLC0415 - not needed where all is remembered

    try:
        found = {environment: list(bodies) for environment, bodies in _read(files[FILE], git)}
    except OnairError as error:
        return {}, [_finding(each.what) for each in error.findings]
    except ValueError as error:
        return {}, [_finding(str(error))]
    cache.put("kinds", key, found)
    return found, []


def _read(text: str, git: Mapping[str, str]) -> Iterator[tuple[str, list[Body]]]:
    import yaml  # noqa: PLC0415 - as above

    from onair.adapters.gate.yaml_read import documents  # noqa: PLC0415
    from onair.core.gate.brought import Published, read  # noqa: PLC0415

    try:
        body = next(iter(documents(text)), None)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    for environment, entries in read(body).spec.items():
        bodies: list[Body] = []
        for each in entries:
            bodies += _published(*each.place, git) if isinstance(each, Published) else [each.definition()]
        yield environment.value, bodies


def _published(url: str, ref: str, path: str, git: Mapping[str, str]) -> list[Body]:
    from onair.adapters import git_read  # noqa: PLC0415 - as above
    from onair.adapters.gate.yaml_read import documents  # noqa: PLC0415
    from onair.core.gate.brought import DEFINITION  # noqa: PLC0415

    texts = git_read.unpacked(git_read.archive(url, ref, path, git))
    found = [body for _, text in texts for body in documents(text) if body.get("kind") == DEFINITION]
    if not found:
        raise ValueError(f"{path} of {url} {ref} has no {DEFINITION}")
    return found


def _finding(what: str) -> Finding:
    mend = f"correct {FILE}; what upstream publishes is read by git, or from the mirrors that `onair up` makes"
    return Finding(rule="tree/kinds", what=what, why=WHY["tree/kinds"], mend=mend, file=FILE)
