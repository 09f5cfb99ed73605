"""A finding names the line that its author wrote."""

from typing import Any

import pytest
import yaml

from onair.core.gate.locate import locator
from onair.core.gate.model import Object, Place

LEAF = "clusters/kr/apps/web"
FILES = {
    f"{LEAF}/kustomization.yaml": "resources: [../../../../apps/web/base]\nimages:\n"
    '- {name: onair/web, newName: r/onair/web, digest: "sha256:00"}\n',
    "apps/web/base/kustomization.yaml": "resources:\n- a.yaml\n- charts.yaml\n- https://github.com/a/b//m?ref=v1.0.0\n"
    "components: [../../components/pod]\nconfigMapGenerator:\n- {name: settings, files: [x]}\n",
    "apps/web/base/a.yaml": """# a comment
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: side
        image: side
      - name: app
        image: onair/web
---
kind: Deployment
metadata: {name: web, namespace: data}
---
kind: Broken: [
""",
    "apps/web/base/charts.yaml": "kind: Application\nmetadata: {name: eg}\n",
    "apps/components/pod/kustomization.yaml": "patches: [{path: all.yaml}]\n",
    "apps/components/pod/all.yaml": """kind: Deployment
metadata: {name: any}
spec:
  template:
    spec:
      containers:
      - name: app
        securityContext:
          readOnlyRootFilesystem: true
""",
}
CONTAINERS = ("spec", "template", "spec", "containers")
BODY = yaml.safe_load("""
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [
  {name: app, image: "r/onair/web@sha256:00", securityContext: {readOnlyRootFilesystem: true}},
  {name: side, image: side}]}}}
""")
LOCATE = locator(FILES, {LEAF: frozenset(FILES)})


def found(body: dict[str, Any], application: str = "web") -> Object:
    return Object("kr", application, LEAF, body)


def named(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), Place("apps/web/base/a.yaml", 2)),
        (("spec", "template"), Place("apps/web/base/a.yaml", 5)),
        ((*CONTAINERS, 0), Place("apps/web/base/a.yaml", 10)),
        ((*CONTAINERS, 1, "image"), Place("apps/web/base/a.yaml", 9)),
        ((*CONTAINERS, 0, "image"), Place(f"{LEAF}/kustomization.yaml", 3)),
        ((*CONTAINERS, 0, "securityContext", "readOnlyRootFilesystem"), Place("apps/components/pod/all.yaml", 9)),
        ((*CONTAINERS, 0, "resources"), Place("apps/web/base/a.yaml", 10)),
    ],
)
def test_a_path_is_found_where_it_is_written(path: tuple[str | int, ...], place: Place) -> None:
    assert LOCATE(found(BODY), path) == place


def test_of_two_objects_with_one_name_that_of_the_namespace_is_meant() -> None:
    other = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "data"}}
    assert LOCATE(found(other)) == Place("apps/web/base/a.yaml", 13)


@pytest.mark.parametrize(
    ("body", "application", "place"),
    [
        (named("Service", "x"), "eg", Place("apps/web/base/charts.yaml", 1)),
        (named("ConfigMap", "settings-abc123"), "web", Place("apps/web/base/kustomization.yaml", 7)),
        (named("CustomResourceDefinition", "x.y"), "web", Place("apps/web/base/kustomization.yaml", 4)),
    ],
)
def test_what_comes_from_elsewhere_is_found_where_it_is_named(
    body: dict[str, Any], application: str, place: Place
) -> None:
    assert LOCATE(found(body, application)) == place


def test_an_object_that_nothing_explains_is_at_its_leaf() -> None:
    leaf = f"{LEAF}/kustomization.yaml"
    assert locator({leaf: "resources: []\n"}, {LEAF: frozenset([leaf])})(found(BODY)) == Place(leaf)
    assert locator({}, {})(found(BODY), ("spec",)) == Place(leaf)
