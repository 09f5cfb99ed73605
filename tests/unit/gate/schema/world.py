"""Right objects, and the schemas that judge them."""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from onair.adapters.gate.schemas import load
from onair.core.gate.model import Body, Object
from onair.core.gate.schema.check import check
from onair.core.gate.schema.problem import Problem
from onair.core.gate.schema.schemas import Schemas

HERE = Path(__file__).parent
VERSION = "1.36.3"


@cache
def _objects() -> Mapping[str, Body]:
    found: Mapping[str, Body] = yaml.safe_load((HERE / "objects.yaml").read_text())
    return found


def names() -> list[str]:
    return list(_objects())


def body(name: str) -> Body:
    return copy.deepcopy(_objects()[name])


def found(content: Body, cluster: str = "here") -> Object:
    return Object(cluster, "web", f"clusters/{cluster}/apps/web", content)


@cache
def schemas() -> Schemas:
    return load(VERSION, [found(body("crd"))], None)


def problems(content: Body, cluster: str = "here") -> list[Problem]:
    return [problem for _, problem in check([found(content, cluster)], schemas(), lambda each: False)]


def steps(path: str) -> Iterator[str | int]:
    """Read ``spec.ports[0].name``."""
    for part in path.replace("[", ".#").replace("]", "").split("."):
        yield int(part[1:]) if part.startswith("#") else part


def edit(content: Body, path: str, value: object = None, *, drop: bool = False) -> None:
    *above, last = steps(path)
    target: Any = content
    for step in above:
        target = target[step]
    if drop:
        del target[last]
    else:
        target[last] = value
