"""A drill as data (``drills/<name>.yaml``): the fault, the hypothesis, what must be seen, and the bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from onair.core.drill.moves import Expectation, Fault, Strict
from onair.core.finding import Finding, OnairError
from onair.core.viewer.plan import Activity, Region

FOLDER = "drills"
NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")


class Words(Strict):
    """The same in both languages of the report."""

    en: Annotated[str, Field(min_length=1)]
    ko: Annotated[str, Field(min_length=1)]

    def of(self, language: str) -> str:
        """Return the words in ``en`` or ``ko``."""
        return self.ko if language == "ko" else self.en


class Bound(Strict):
    """What viewers may meet.

    Attributes
    ----------
    errorSeconds
        From the first to the last failure, after the fault and again after the healing.
    failedShare
        Of all that was asked or done in the drill.
    """

    errorSeconds: Annotated[float, Field(ge=0, le=900)]
    failedShare: Annotated[float, Field(ge=0, le=1)] = 1.0


class Bounds(Bound):
    """What viewers may meet: of pages, and of what they do in sessions where that is another matter.

    Attributes
    ----------
    sessions
        By activity; one that is not named has the bound of the pages.
    lost
        Whether accepted orders and units may be missing in the end: only where a region's data is destroyed.
    """

    sessions: dict[Activity, Bound] = Field(default_factory=dict)
    lost: bool = False

    def of(self, activity: Activity) -> Bound:
        """Return the bound of an activity."""
        return self.sessions.get(activity, self)


class DrillSpec(Strict):
    """One drill.

    Attributes
    ----------
    traffic
        Pages a second that viewers of each region ask the platform for.
    sessions
        Viewers of each region who come in a second to browse, watch, chat and buy.
    before
        What is done before any traffic, so that the drill begins with it.
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
    sessions: dict[Region, Annotated[float, Field(gt=0, le=10)]] = Field(default_factory=dict)
    before: Annotated[list[Fault], Field(default_factory=list)]
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
