"""``clusters/platform/kinds.yaml``: kinds that a cloud brings to its clusters, whose definitions no leaf syncs."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from onair.core.facts import Environment
from onair.core.gate.model import Body

DEFINITION = "CustomResourceDefinition"
_PUBLISHED = r"^(https://[^?]+?)//([^?]+)\?ref=(v\d+\.\d+\.\d+)$"
_Text = Annotated[str, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Published(_Strict):
    """A file with definitions, at a tag of a git repository."""

    published: Annotated[str, StringConstraints(pattern=_PUBLISHED)]

    @property
    def place(self) -> tuple[str, str, str]:
        """The repository, the tag and the path in it."""
        url, path, ref = re.findall(_PUBLISHED, self.published)[0]
        return url, ref, path


class Described(_Strict):
    """A kind of which no definition is published.

    Attributes
    ----------
    source
        The documentation that says so.
    spec
        Schema of the field ``spec``.
    """

    group: _Text
    version: _Text
    kind: _Text
    scope: Literal["Cluster", "Namespaced"]
    source: Annotated[str, StringConstraints(pattern=r"^https://")]
    spec: dict[str, Any]

    def definition(self) -> Body:
        """Return it as a CustomResourceDefinition."""
        schema = {"type": "object", "required": ["spec"], "properties": {"spec": self.spec}}
        singular = self.kind.lower()
        plural = f"{singular}es" if singular.endswith("s") else f"{singular}s"
        version = {"name": self.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": DEFINITION,
            "metadata": {"name": f"{plural}.{self.group}"},
            "spec": {
                "group": self.group,
                "names": {"kind": self.kind, "plural": plural},
                "scope": self.scope,
                "versions": [version],
            },
        }


class Kinds(_Strict):
    """The file; ``spec`` is by environment."""

    apiVersion: Literal["onair.dev/v1"]
    kind: Literal["Kinds"]
    metadata: dict[str, str]
    spec: dict[Environment, list[Published | Described]] = Field(min_length=1)


def read(body: object) -> Kinds:
    """Read the file.

    Raises
    ------
    ValueError
        What is wrong with it, and where.
    """
    try:
        return Kinds.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        raise ValueError(f"{where}: {first['msg']}") from error
