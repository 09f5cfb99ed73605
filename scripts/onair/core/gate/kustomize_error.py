"""Makes what Kustomize says of a failure readable: the innermost cause, with the file and line that it means."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import NamedTuple

from onair.core.gate.kustomization import kustomization_of

_PATH = re.compile(r"(?<![\w./-])((?:[\w.-]+/)+[\w.-]+)")
_FROM = re.compile(r"(?:accumulat|merg)ing (?:resources|components) from '([^']*)': ")
_SECOND_TRY = re.compile(r"': must build at directory: .*$")
_NOISE = re.compile(
    r"(?:accumulateDirectory|accumulating components|accumulation err|recursed [a-z ]+'[^']*')[:=]? *"
    r"|'?[\w./-]+' must resolve to a file': *|MalformedYAMLError: yaml: (?:line \d+: )?| in File: \S+"
)
_QUOTES = " :'\"\\"
_WIDEST = 300


class Cause(NamedTuple):
    """What is wrong, and where as far as that can be told."""

    what: str
    file: str | None
    line: int | None


def cause(message: str, folder: str, files: Mapping[str, str]) -> Cause:
    """Return the cause of a failed rendering.

    Parameters
    ----------
    message
        Kustomize's output.
    folder
        The folder that it worked in; its name goes out of the message.
    files
        The files that the leaf is rendered from, by their path below ``folder``.
    """
    text = " ".join(message.removeprefix("Error: ").replace(f"{folder}/", "").split())
    text = _SECOND_TRY.sub("", text)
    file = _file(text, files)
    line = None
    if "yaml: " in text.lower():
        broken = {path: at for path in ([file] if file else sorted(files)) if (at := _broken(files[path])) is not None}
        file, line = next(iter(broken.items()), (file, None))
    return Cause(_innermost(text), file, line)


def _file(text: str, files: Mapping[str, str]) -> str | None:
    """Return the file that is named last: by its path, or by its name beside the folder named before."""
    known: list[str] = [path for path in _PATH.findall(text) if path in files or kustomization_of(files, path)]
    if not known:
        return None
    last = known[-1]
    if last in files:
        return last
    named = [posixpath.join(last, name) for name in _FROM.findall(text)]
    return next((path for path in reversed(named) if path in files), kustomization_of(files, last))


def _broken(text: str) -> int | None:
    """Return the line where a file stops being YAML; Kustomize counts from the start of a document."""
    import yaml  # noqa: PLC0415 - only where something failed

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    try:
        for _ in yaml.compose_all(text, LOADER):
            pass
    except yaml.YAMLError as error:  # a character that YAML forbids has no mark
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        return mark.line + 1 if mark else 1
    return None


def _innermost(text: str) -> str:
    if "fatal: " in text:  # git tells more of a remote base than the attempt to read it as a file
        found = _FROM.findall(text)
        return f"{found[-1]}: {text.rpartition('fatal: ')[2].strip(_QUOTES)}" if found else text[-_WIDEST:]
    inner = _NOISE.sub("", _FROM.split(text)[-1]).strip(_QUOTES)
    return inner if len(inner) <= _WIDEST else f"{inner[: _WIDEST - 1]}…"
