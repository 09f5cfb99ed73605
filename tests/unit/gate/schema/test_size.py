"""Objects too large for etcd, for the last-applied annotation, or for a ConfigMap."""

from typing import Any

import pytest
from unit.gate.schema import world

from onair.core.gate.model import Object
from onair.core.gate.schema.size import ANNOTATION_BYTES, DATA_BYTES, ETCD_BYTES, server_side, size

OPTIONS = {"syncPolicy": {"syncOptions": ["ServerSideApply=true"]}}


BINARY_BYTES = 8  # of the ConfigMap in objects.yaml


def sized(count: int, **annotations: str) -> Object:
    body = world.body("configmap")
    body["metadata"]["annotations"] = annotations
    body["data"] = {"x": "x" * count}
    return world.found(body)


def said(found: Object, *, server: bool) -> list[str]:
    return [problem.what for problem in size(found, lambda each: server)]


@pytest.mark.parametrize(
    ("count", "server", "part"),
    [
        (ANNOTATION_BYTES - 1000, False, None),
        (ANNOTATION_BYTES, False, "client-side apply"),
        (ANNOTATION_BYTES, True, None),
        (DATA_BYTES - BINARY_BYTES, True, None),
        (DATA_BYTES - BINARY_BYTES + 1, True, "its data has"),
        (ETCD_BYTES, True, "etcd takes"),
    ],
)
def test_limits(count: int, server: bool, part: str | None) -> None:
    found = said(sized(count), server=server)
    assert (part is None and not found) or any(str(part) in each for each in found)


def applied(kind: str, name: str, spec: dict[str, Any], cluster: str = "here") -> Object:
    return Object(
        cluster,
        "argocd",
        "clusters/here/infrastructure/argocd",
        {"kind": kind, "metadata": {"name": name}, "spec": spec},
    )


def generator(path: str, **more: bool) -> dict[str, Any]:
    return {"git": {"directories": [{"path": path, **more}]}}


def test_how_an_object_is_applied_is_known_from_its_application() -> None:
    known = server_side([applied("Application", "web", OPTIONS), applied("Application", "live", {})])
    assert known(Object("here", "web", "", {}))
    assert not known(Object("here", "live", "", {}))
    assert not known(Object("there", "web", "", {}))


def test_or_from_the_applicationset_that_makes_it() -> None:
    spec = {"generators": [generator("clusters/here/apps/*")], "template": {"spec": OPTIONS}}
    without = {"generators": [generator("clusters/here/apps/*", exclude=True)], "template": {"spec": OPTIONS}}
    leaf = Object("here", "web", "clusters/here/apps/web", {})
    assert server_side([applied("ApplicationSet", "apps", spec)])(leaf)
    assert not server_side([applied("ApplicationSet", "apps", without)])(leaf)
    assert not server_side([applied("ApplicationSet", "apps", spec, "there")])(leaf)
    assert not server_side([applied("ApplicationSet", "apps", spec)])(Object("here", "x", "clusters/here/other/x", {}))


def test_or_from_its_own_annotation() -> None:
    assert server_side([])(sized(1, **{"argocd.argoproj.io/sync-options": "Prune=false,ServerSideApply=true"}))


def test_broken_applications_decide_nothing() -> None:
    known = server_side(
        [applied("Application", "web", {"syncPolicy": []}), applied("ApplicationSet", "x", {"generators": {}})]
    )
    assert not known(Object("here", "web", "", {}))
