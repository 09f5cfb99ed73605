"""Reads the data files that rules go by; a fault is a finding with the key that it is at.

By msgspec: pydantic takes longer to load than the gate to judge a change.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeVar

import msgspec

from onair.core.finding import Finding

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<at>[^`]*)`)?", re.DOTALL)


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a data file; an unknown key is a fault."""


class Envelope(Strict, frozen=True):
    """What every data file starts with; a file's model adds ``kind`` and ``spec``."""

    apiVersion: Literal["onair.dev/v1"]
    metadata: dict[str, str]


Model = TypeVar("Model", bound=Envelope)


def read(model: type[Model], file: str, content: Any) -> tuple[Model | None, list[Finding]]:  # noqa: ANN401
    """Return a data file's parsed content as its model, or the first thing that is wrong with it.

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
        return msgspec.convert(content, model), []
    except msgspec.ValidationError as error:
        mend = "correct the value; the file's first lines say what belongs there"
        return None, [Finding(rule="data/invalid", file=file, what=_told(str(error)), mend=mend)]


def _told(text: str) -> str:
    """Return msgspec's message with the place first, as other findings have it: ``spec.weekly[0].days: …``."""
    parts = _AT.fullmatch(text)
    place = (parts["at"] or "").removeprefix("$").removeprefix(".") if parts else ""
    return f"{place or 'document'}: {parts['what'] if parts else text}"
