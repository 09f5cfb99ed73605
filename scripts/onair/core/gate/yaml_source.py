"""Reads YAML as it stands in git, strictly: what two readers would take differently, or what hides, is a finding.

Kustomize, the API server, Argo CD, Python and Terraform read the same files with four different parsers. What is
refused here is what they disagree on, or what grows when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from onair.core.finding import Finding
from onair.core.gate.model import Path
from onair.core.gate.yaml_rules import DEEPEST, RULES, WHY, ambiguous, plain, syntax, unambiguous
from onair.core.yaml_loader import LOADER

__all__ = ["RULES", "Document", "parse"]
_COMMON_TAGS = {None, "!", "tag:yaml.org,2002:str"}


@dataclass(frozen=True)
class Document:
    """One document of a file.

    Attributes
    ----------
    line
        Where it begins, counted from 1.
    body
        What it says; aliases are read as null.
    lines
        Returns the line of a path, or of the nearest parent that is there.
    """

    line: int
    body: Any
    lines: Callable[[Path], int]


def parse(file: str, text: str) -> tuple[list[Document], list[Finding]]:
    """Read every document of a file.

    Parameters
    ----------
    file
        Its path, for findings.
    text
        Its content.

    Returns
    -------
    tuple
        The documents before the first syntax error (empty ones left out), and what is wrong.
    """
    reader = _Reader(file)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            reader.read(event)
    except _TooDeepError as error:  # reading on would cost the square of the depth
        reader.report("too-deep", error.line, f"more than {DEEPEST} levels", "make it flatter")
    except (yaml.YAMLError, ValueError) as error:
        reader.found.append(syntax(file, text, error))
    return reader.documents, reader.found


class _TooDeepError(Exception):
    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


@dataclass
class _Level:
    """A mapping or a list that is being read."""

    value: dict[str, Any] | list[Any]
    path: tuple[str | int, ...]
    key: str | None = None
    keys: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Builds plain values out of events, so that nothing is ever expanded."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.documents: list[Document] = []
        self.found: list[Finding] = []
        self._levels: list[_Level] = []
        self._skipped = 0
        self._lines: dict[Path, int] = {}
        self._start = 1

    def report(self, name: str, line: int | None, what: str, mend: str) -> None:
        rule = f"yaml/{name}"
        self.found.append(Finding(rule=rule, what=what, why=WHY[rule], mend=mend, file=self.file, line=line))

    def read(self, event: Any) -> None:  # noqa: ANN401 - PyYAML's events have no common type
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._lines, self._start = {}, line
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.ScalarEvent):
            self._check_node(event, line)
            self._scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self.report("alias", line, f"alias *{event.anchor}", "write the value out; share by Kustomize's components")
            self._put(None, line)

    def _check_node(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor:
            self.report("alias", line, f"anchor &{event.anchor}", "remove it, and write the value out where it is used")
        tag = getattr(event, "tag", None)
        if tag not in _COMMON_TAGS:
            self.report("tag", line, f"tag {tag}", "remove it; quote what shall be text")

    def _open(self, event: yaml.CollectionStartEvent, line: int) -> None:
        self._check_node(event, line)
        if len(self._levels) + self._skipped >= DEEPEST:
            raise _TooDeepError(line)
        if self._skipped:
            self._skipped += 1
            return
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self._wants_key():
            self.report("key", line, "a key is a list or a mapping", "make it text")
            self._skipped += 1
            return
        self._levels.append(_Level(value, self._place(line)))

    def _close(self) -> None:
        if self._skipped:
            self._skipped -= 1
            if not self._skipped:
                self._put_value("?")
            return
        self._put_value(self._levels.pop().value)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if self._skipped:
            return
        unquoted = event.implicit[0] and event.style in {None, ""}
        if self._wants_key():
            self._key(event.value, line, unquoted=unquoted)
            return
        path = self._place(line)
        if unquoted:
            self._ambiguous(event.value, line, path)
        self._put_value(plain(event.value) if unquoted else event.value)

    def _key(self, text: str, line: int, *, unquoted: bool) -> None:
        level = self._levels[-1]
        if unquoted and text == "<<":
            self.report("merge-key", line, "merge key <<", "write the keys out")
        elif unquoted and not isinstance(plain(text), str):
            self.report("key", line, f"key {text or '(none)'} is not text", f'quote it: "{text}"')
        elif unquoted and not (text == "on" and self.file.startswith(".github/")):  # GitHub reads YAML 1.2
            self._ambiguous(text, line, (*level.path, text))
        first = level.keys.setdefault(text, line)
        if text in level.value:
            self.report("duplicate-key", line, f"key {text} stands here and in line {first}", "keep one")
        level.key = text

    def _ambiguous(self, text: str, line: int, path: Path) -> None:
        what = ambiguous(text)
        if what:
            where = f"{path[-1]}: {text}" if path and path[-1] != text else text
            self.report("ambiguous", line, f"`{where}`: {text} {what}", unambiguous(text))

    def _wants_key(self) -> bool:
        return bool(self._levels) and isinstance(self._levels[-1].value, dict) and self._levels[-1].key is None

    def _place(self, line: int) -> tuple[str | int, ...]:
        """Return the path of the value that comes next, and remember its line (a key's, in a mapping)."""
        if not self._levels:
            path: tuple[str | int, ...] = ()
        else:
            level = self._levels[-1]
            step = len(level.value) if isinstance(level.value, list) else str(level.key)
            path = (*level.path, step)
            line = level.keys.get(str(step), line) if isinstance(level.value, dict) else line
        self._lines[path] = line
        return path

    def _put(self, value: object, line: int) -> None:
        if self._skipped:
            return
        if self._wants_key():
            self._levels[-1].key = "*"
            return
        self._place(line)
        self._put_value(value)

    def _put_value(self, value: Any) -> None:  # noqa: ANN401
        if not self._levels:
            self._document(value)
            return
        level = self._levels[-1]
        if isinstance(level.value, list):
            level.value.append(value)
        elif level.key is None:
            level.key = str(value)
        else:
            level.value[level.key] = value
            level.key = None

    def _document(self, body: object) -> None:
        if body is None:
            return
        lines, start = self._lines, self._start

        def line_of(path: Path) -> int:
            known = tuple(path)
            while known and known not in lines:
                known = known[:-1]
            return lines.get(known, start)

        self.documents.append(Document(lines.get((), start), body, line_of))
