"""Objects that are too large to be stored, or to be applied the way that their Application applies them."""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache

from onair.core.gate.model import Object
from onair.core.gate.schema.parts import mapping, mappings
from onair.core.gate.schema.problem import Problem

ETCD_BYTES = 1_572_864
"""What etcd takes in one request (``--max-request-bytes``, default)."""
ANNOTATION_BYTES = 262_144
"""All annotations of an object together (TotalAnnotationSizeLimitB); client-side apply writes the object into one."""
DATA_BYTES = 1_048_576
"""All data of a ConfigMap or a Secret together (MaxSecretSize)."""

ServerSide = Callable[[Object], bool]
_OPTION = "ServerSideApply=true"
_Options = tuple[dict[tuple[str, str], bool], list[tuple[str, list[str], bool]]]
"""By Application, and by an ApplicationSet's cluster and folders."""


def server_side(objects: Iterable[Object]) -> ServerSide:
    """Return what tells whether an object is applied on the server's side, by its own or its Application's options."""

    @cache  # few objects are so large that it is asked for
    def options() -> _Options:
        return _options(objects)

    def known(found: Object) -> bool:
        if _OPTION in str(mapping(found.metadata.get("annotations")).get("argocd.argoproj.io/sync-options", "")):
            return True
        applications, sets = options()
        own = applications.get((found.cluster, found.application))
        if own is not None:
            return own
        return any(
            option and cluster == found.cluster and any(fnmatchcase(found.leaf, folder) for folder in folders)
            for cluster, folders, option in sets
        )

    return known


def _options(objects: Iterable[Object]) -> _Options:
    applications: dict[tuple[str, str], bool] = {}
    sets: list[tuple[str, list[str], bool]] = []
    for each in objects:
        if each.kind == "Application":
            applications[each.cluster, each.name] = _option(each.get("spec"))
        elif each.kind == "ApplicationSet":
            option = _option(each.get("spec", "template", "spec"))
            generators = (mapping(one.get("git")) for _, one in mappings(each.get("spec", "generators")))
            folders = [
                str(folder.get("path"))
                for git in generators
                for _, folder in mappings(git.get("directories"))
                if not folder.get("exclude")
            ]
            sets.append((each.cluster, folders, option))
    return applications, sets


def _option(spec: object) -> bool:
    return _OPTION in (mapping(mapping(spec).get("syncPolicy")).get("syncOptions") or ())


def size(found: Object, known: ServerSide) -> Iterator[Problem]:
    """Find what is too large."""
    try:
        # Ten times as quick as json; escapes (line ends, quotes) make text at most twice as long there.
        if len(marshal.dumps(found.body, 2)) < ANNOTATION_BYTES // 2:
            return
    except ValueError:  # a value that is no JSON: the schema tells of it
        return
    total = len(json.dumps(found.body, separators=(",", ":"), ensure_ascii=False).encode())
    if total > ETCD_BYTES:
        what = f"the object has {total:,} bytes; etcd takes {ETCD_BYTES:,}"
        yield Problem((), "schema/size", what, "make several objects of it")
    elif total > ANNOTATION_BYTES and not known(found):
        what = f"the object has {total:,} bytes; client-side apply writes it into an annotation of {ANNOTATION_BYTES:,}"
        mend = "annotate it `argocd.argoproj.io/sync-options: ServerSideApply=true`, or make it smaller"
        yield Problem((), "schema/size", what, mend)
    if found.kind in {"ConfigMap", "Secret"}:
        data = sum(
            len(str(value).encode()) for key in ("data", "binaryData") for value in mapping(found.get(key)).values()
        )
        if data > DATA_BYTES:
            what = f"its data has {data:,} bytes; the API server takes {DATA_BYTES:,}"
            yield Problem(("data",), "schema/size", what, "make several objects of it")
