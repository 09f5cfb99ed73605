"""Seeded defects: a copy of the repository, broken in one known way (data: tests/defects/*.yaml)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from benchmarks.record import ROOT

FOLDER = ROOT / "tests/defects"
CUT = "@JOIN@"
"""Stands inside made-up secrets, so that scanners let the data files pass; gone once applied."""


class Edit(BaseModel):
    """One change of one file; exactly one way of changing it is given.

    Attributes
    ----------
    swap, sub
        Text that occurs once and what stands in its place; a regular expression and its replacement.
    append, write, then, times
        Text at the end of the file, or the whole file; ``then`` (or the text itself) is repeated.
    prefix
        Bytes before the file's own, in hexadecimal.
    encoding, crlf, symlink, delete
        The file in another encoding, with other line ends, as a link, or gone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    swap: tuple[str, str] | None = None
    sub: tuple[str, str] | None = None
    append: str | None = None
    write: str | None = None
    then: str = ""
    times: int = 1
    prefix: str | None = None
    encoding: str | None = None
    crlf: bool = False
    symlink: str | None = None
    delete: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [self.swap, self.sub, self.append, self.write, self.prefix, self.encoding, self.symlink]
        if sum(way is not None for way in ways) + self.crlf + self.delete != 1:
            raise ValueError(f"{self.file}: give exactly one way of changing it")
        return self

    def apply(self, root: Path) -> None:
        """Change the file below ``root``.

        Raises
        ------
        ValueError
            If the text to be changed does not occur (once): the defect would test nothing.
        """
        path = root / self.file
        before = path.read_bytes() if path.is_file() else b""
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.symlink is not None or self.delete:
            path.unlink(missing_ok=not self.delete)
            if self.symlink is not None:
                path.symlink_to(self.symlink)
            return
        after = self._changed(before)
        if after == before:
            raise ValueError(f"{self.file}: the edit changes nothing")
        path.write_bytes(after)

    def _changed(self, before: bytes) -> bytes:
        if self.prefix is not None:
            return bytes.fromhex(self.prefix) + before
        text = before.decode()
        if self.encoding is not None:
            return text.encode(self.encoding)
        if self.crlf:
            return before.replace(b"\n", b"\r\n")
        if self.swap is not None:
            if text.count(self.swap[0]) != 1:
                raise ValueError(f"{self.file}: {self.swap[0]!r} occurs {text.count(self.swap[0])} times")
            return text.replace(*self.swap).encode()
        if self.sub is not None:
            return re.sub(*self.sub, text).encode()
        return (text + (self.append or "") + self._made()).replace(CUT, "").encode()

    def _made(self) -> str:
        if self.write is None:
            return self.then * self.times
        return self.write + self.then * self.times if self.then else self.write * self.times


class Defect(BaseModel):
    """One seeded defect.

    Attributes
    ----------
    id, breaks
        Its name, and what is wrong with it.
    rule
        The rule (a pattern of :mod:`fnmatch`) that must find it.
    edits
        What makes it.
    change
        Whether only a comparison with the unbroken commit can show it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    breaks: str
    rule: str
    edits: tuple[Edit, ...]
    change: bool = False

    @model_validator(mode="before")
    @classmethod
    def _inline(cls, data: Any) -> Any:  # noqa: ANN401 - as it stands in the file
        """Let an entry with one edit have the edit's keys as its own."""
        if isinstance(data, dict) and "edits" not in data:
            own = {key: data[key] for key in cls.model_fields if key in data}
            return {**own, "edits": [{key: value for key, value in data.items() if key not in own}]}
        return data

    def apply(self, root: Path) -> None:
        """Break the copy at ``root``."""
        for edit in self.edits:
            edit.apply(root)

    @property
    def files(self) -> frozenset[str]:
        """The files that it changes."""
        return frozenset(edit.file for edit in self.edits)


def load(folder: Path = FOLDER) -> Iterator[Defect]:
    """Read every defect; the order is that of the files."""
    for file in sorted(folder.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
            yield Defect.model_validate(entry)


def copy(target: Path, root: Path = ROOT) -> Path:
    """Copy the repository as it stands, new files included and ignored ones not, to ``target`` and return it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name, follow_symlinks=False)
    return target


def commit(root: Path, message: str = "As it was") -> None:
    """Make ``root`` a repository, if it is none, and commit all of it."""
    identity = ["-c", "user.name=seed", "-c", "user.email=seed@onair.test", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    command = ["git", *identity, "commit", "--quiet", "--allow-empty", "--message", message]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def committed(target: Path) -> Path:
    """Copy the repository with its tool, so that ``onair`` there checks the copy; committed."""
    commit(copy(target))
    return target
