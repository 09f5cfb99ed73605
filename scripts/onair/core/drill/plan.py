"""A drill as data (``drills/<name>.yaml``): the fault, the hypothesis, what must be seen, and the bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from onair.core.finding import Finding, OnairError

FOLDER = "drills"
Part = TypeVar("Part", bound="Strict")
NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
Seconds = Annotated[float, Field(gt=0, le=900)]


class Strict(BaseModel):
    """A part of a drill's file; an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Strict):
    """The same in both languages of the report."""

    en: Annotated[str, Field(min_length=1)]
    ko: Annotated[str, Field(min_length=1)]

    def of(self, language: str) -> str:
        """Return the words in ``en`` or ``ko``."""
        return self.ko if language == "ko" else self.en


class Pods(Strict):
    """The pods of a service in a cluster."""

    cluster: str
    service: str
    namespace: str = "shop"

    def __str__(self) -> str:
        return f"{self.service} in {self.cluster}"


class NodeOf(Strict):
    """A node of a cluster."""

    cluster: str
    node: str


class Scaled(Pods):
    """A Deployment at a number of replicas that git does not have."""

    replicas: Annotated[int, Field(ge=0, le=10)] = 0


class Fault(Strict):
    """One thing that is done to the platform; exactly one key.

    Attributes
    ----------
    kill
        A pod: its process ends without a word, then the pod is deleted.
    cut
        Links, by name (``edge:local-kr``).
    stop
        Supervised services, by the beginning of their ids (``local-kr.kube-apiserver``), killed and kept down.
    powerOff
        A node: its link is cut and all that runs on it is killed, as when its power fails.
    drain
        A node, as before maintenance.
    scale
        A Deployment.
    """

    kill: Pods | None = None
    cut: Annotated[list[str], Field(min_length=1)] | None = None
    stop: Annotated[list[str], Field(min_length=1)] | None = None
    powerOff: NodeOf | None = None
    drain: NodeOf | None = None
    scale: Scaled | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        return _single(self)

    def __str__(self) -> str:
        if self.kill:
            return f"kill a pod of {self.kill}"
        if self.cut:
            return f"cut {', '.join(self.cut)}"
        if self.stop:
            return f"stop {', '.join(self.stop)}"
        if self.powerOff:
            return f"power off {self.powerOff.node}"
        if self.drain:
            return f"drain {self.drain.node}"
        return f"scale {self.scale} to {self.scale.replicas if self.scale else 0}"


class Serves(Strict):
    """Viewers of a region get their pages from ``by``."""

    viewers: str
    by: str


class Ready(Pods):
    """So many pods of a service are Ready, those on the node ``but`` not counted."""

    pods: Annotated[int, Field(ge=0, le=20)]
    but: str = ""


class NodeReady(NodeOf):
    """A node is Ready, or is not."""

    ready: bool


class Expectation(Strict):
    """What must be seen ``within`` so many seconds; exactly one other key."""

    within: Seconds
    serves: Serves | None = None
    ready: Ready | None = None
    node: NodeReady | None = None
    well: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        return _single(self, "within")

    def __str__(self) -> str:
        if self.serves:
            return f"viewers of {self.serves.viewers} are served by {self.serves.by}"
        if self.ready:
            place = f" off {self.ready.but}" if self.ready.but else ""
            return f"{self.ready.pods} pods of {self.ready} are Ready{place}"
        if self.node:
            return f"{self.node.node} is {'' if self.node.ready else 'not '}Ready"
        return "all is well"


class Bounds(Strict):
    """What viewers may meet.

    Attributes
    ----------
    errorSeconds
        From the first to the last failed request, after the fault and again after the healing.
    failedShare
        Of all requests of the drill.
    """

    errorSeconds: Annotated[float, Field(ge=0, le=600)]
    failedShare: Annotated[float, Field(ge=0, le=1)] = 1.0


class DrillSpec(Strict):
    """One drill.

    Attributes
    ----------
    traffic
        Pages a second that viewers of each region ask the platform for.
    faults
        What is done, one after the other, without a pause.
    during, after
        What must be seen in this order once that is done, and once it is healed.
    holdSeconds
        How long the fault stays at least.
    screens
        Whether a browser takes pictures of both regions before, during and after.
    """

    title: Words
    hypothesis: Words
    traffic: dict[str, Annotated[float, Field(gt=0, le=200)]]
    faults: Annotated[list[Fault], Field(min_length=1)]
    during: Annotated[list[Expectation], Field(default_factory=list)]
    holdSeconds: Annotated[float, Field(ge=0, le=600)] = 0
    after: Annotated[list[Expectation], Field(min_length=1)]
    bounds: Bounds
    screens: bool = False


class Drill(Strict):
    """``drills/<name>.yaml``."""

    apiVersion: Literal["onair.dev/v1"]
    kind: Literal["Drill"]
    metadata: dict[str, str]
    spec: DrillSpec

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.metadata["name"]


def parse(files: Mapping[str, Any]) -> dict[str, Drill]:
    """Return all drills by name.

    Parameters
    ----------
    files
        The parsed content of each file, by path.

    Raises
    ------
    OnairError
        With every fault of every file.
    """
    found, faults = dict[str, Drill](), list[Finding]()
    for path, content in sorted(files.items()):
        try:
            drill = Drill.model_validate(content)
        except ValidationError as error:
            faults += [_invalid(path, detail) for detail in error.errors(include_url=False)]
            continue
        name = path.rpartition("/")[2].removesuffix(".yaml")
        if drill.metadata.get("name") != name or not NAME.fullmatch(name):
            what = f"metadata.name is {drill.metadata.get('name')!r}, the file's name {name!r}"
            faults.append(Finding(rule="drill/name", file=path, what=what, mend="give both the same name: a-z, 0-9, -"))
        found[name] = drill
    if faults:
        raise OnairError(*faults)
    return found


def choose(drills: Mapping[str, Drill], names: list[str]) -> list[Drill]:
    """Return the drills of these names, in their order; all by name where none is given.

    Raises
    ------
    OnairError
        If one is unknown.
    """
    if unknown := [name for name in names if name not in drills]:
        what = f"no drill {', '.join(map(repr, unknown))}"
        raise OnairError(Finding(rule="drill/unknown", what=what, mend=f"one of: {', '.join(sorted(drills))}"))
    return [drills[name] for name in names or sorted(drills)]


def _invalid(path: str, detail: ErrorDetails) -> Finding:
    field = ".".join(map(str, detail["loc"])) or "document"
    mend = "correct it; the other files of the folder show what belongs there"
    return Finding(rule="drill/invalid", file=path, what=f"{field}: {detail['msg']}", mend=mend)


def _single(model: Part, *others: str) -> Part:
    keys = [name for name in type(model).model_fields if name not in others]
    given = [name for name in keys if getattr(model, name) is not None]
    if len(given) != 1:
        raise ValueError(f"exactly one of {', '.join(keys)} belongs here; there are {len(given)}")
    return model
