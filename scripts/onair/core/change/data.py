"""Reads the data files that rules go by; every fault is a finding with the key that it is at."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from onair.core.finding import Finding


class Strict(BaseModel):
    """A part of a data file; an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Envelope(Strict):
    """What every data file starts with; a file's model adds ``kind`` and ``spec``."""

    apiVersion: Literal["onair.dev/v1"]
    metadata: dict[str, str]


Model = TypeVar("Model", bound=Envelope)


def read(model: type[Model], file: str, content: Any) -> tuple[Model | None, list[Finding]]:  # noqa: ANN401
    """Return a data file's parsed content as its model, or what is wrong with it.

    Parameters
    ----------
    file
        Its path; findings name it.
    content
        The parsed YAML; None where there is no such file.
    """
    if content is None:
        mend = "restore it from git: git checkout origin/main -- " + file
        return None, [Finding(rule="data/invalid", file=file, what="there is no such file", mend=mend)]
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, [
            Finding(
                rule="data/invalid",
                file=file,
                what=f"{'.'.join(str(step) for step in detail['loc']) or 'document'}: {detail['msg']}",
                mend="correct the value; the file's first lines say what belongs there",
            )
            for detail in error.errors(include_url=False)
        ]
