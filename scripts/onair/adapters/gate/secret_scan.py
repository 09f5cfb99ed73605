"""Looks for secrets in files; what has been scanned once is not scanned again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Self

from onair.adapters import git_read
from onair.adapters.gate import code
from onair.adapters.gate.cache import Cache
from onair.adapters.gate.secret_lines import Detector, Found, lines
from onair.adapters.gate.tree import Known
from onair.core.change.hit import Hit

MAX_BYTES, SNIFFED_BYTES, KEPT_ENTRIES = 2_000_000, 8_000, 20_000
_AREA = "secrets"


def of_disk(root: Path, listing: Mapping[str, Known], scanner: Scanner) -> list[Hit]:
    """Return what looks like a secret in the working tree; what the index knows to be unchanged is not read again.

    Parameters
    ----------
    listing
        Its files (:func:`onair.adapters.gate.tree.listed`).
    """
    return scanner.hits(
        {path: each.blob if each.same else None for path, each in listing.items()},
        lambda paths: contents(root, paths),
        {path: each.blob for path, each in listing.items() if each.blob and not each.same},
        lambda blob: git_read.contents_of(root, [blob]).get(blob, b""),
    )


def of_commit(root: Path, ref: str, scanner: Scanner) -> list[Hit]:
    """Return what looks like a secret in a commit; ``root`` may be a bare repository.

    Raises
    ------
    OnairError
        If there is no such commit.
    """
    blobs = blobs_of(root, ref)
    return scanner.hits(blobs, lambda paths: _held(root, {path: blobs[path] for path in paths}))


def contents(root: Path, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Iterate over the files that can be read; links are not followed (they lead to files of their own)."""
    for path in paths:
        file = root / path
        try:
            if not file.is_symlink() and file.is_file() and file.stat().st_size <= MAX_BYTES:
                yield path, file.read_bytes()
        except OSError:
            continue


def blobs_of(root: Path, ref: str) -> dict[str, str]:
    """Return the files of a commit that are not too large: path and blob."""
    listing = git_read.output(root, "ls-tree", "-r", "-z", "--full-tree", "--long", ref)
    blobs: dict[str, str] = {}
    for entry in listing.split(b"\0")[:-1]:
        meta, _, path = entry.partition(b"\t")
        mode, _, blob, size = meta.decode().split()
        if mode in git_read.FILES and int(size) <= MAX_BYTES:
            blobs[os.fsdecode(path)] = blob
    return blobs


def _held(root: Path, blobs: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    found = git_read.contents_of(root, blobs.values())
    return ((path, found[blob]) for path, blob in blobs.items() if blob in found)


def scan_added(added: Iterable[tuple[str, str, Mapping[int, str]]], scanner: Scanner) -> list[Hit]:
    """Return what looks like a secret in the lines that commits add.

    Parameters
    ----------
    added
        Commit, path, and the added lines by number.
    """
    hits = []
    for commit, path, numbered in added:
        numbers, content = list(numbered), "\n".join(numbered.values()).encode("utf-8", "replace")
        for hit in scanner.hits({path: None}, lambda _, path=path, content=content: [(path, content)]):  # type: ignore[misc]
            hits.append(hit._replace(line=numbers[hit.line - 1], commit=commit))
    return hits


class Scanner:
    """Scans, and remembers by a file's content what was found in it: places and hashes, never a value.

    As a context manager: it keeps what it learned when it is left.

    Parameters
    ----------
    purpose
        Of several that work side by side each has a memory of its own.
    """

    def __init__(self, cache: Cache, purpose: str = "") -> None:
        self._cache = cache
        self._memory = f"{code.whole()}{purpose}"
        self._fresh: dict[str, list[Found]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fresh:
            known = [*self._known.items(), *self._fresh.items()]
            self._cache.put(_AREA, self._memory, dict(known[-KEPT_ENTRIES:]))

    @cached_property
    def _known(self) -> dict[str, list[Found]]:
        return self._cache.get(_AREA, self._memory) or {}

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self._cache)

    def hits(
        self,
        blobs: Mapping[str, str | None],
        read: Callable[[list[str]], Iterable[tuple[str, bytes]]],
        before: Mapping[str, str] = MappingProxyType({}),
        content_of: Callable[[str], bytes] = lambda _: b"",
    ) -> list[Hit]:
        """Return what looks like a secret.

        Parameters
        ----------
        blobs
            Every path, with git's name of its content where that is known.
        read
            Returns path and content of files; binary ones are passed over.
        before
            What git holds of changed files: lines that were scanned in it need not be looked at again.
        content_of
            Returns what a name of git's stands for.
        """
        keys = {path: _key(path, blob) for path, blob in blobs.items() if blob}
        for path, content in read([path for path in blobs if self._kept(keys.get(path, "")) is None]):
            keys[path] = key = _key(path, blob_of(content))
            if self._kept(key) is None:
                self._fresh[key] = self._found(path, content, before.get(path, ""), content_of)
        return [Hit(path, *found) for path, key in keys.items() for found in self._kept(key) or ()]

    def _kept(self, key: str) -> list[Found] | None:
        return self._known.get(key, self._fresh.get(key))

    def _found(self, path: str, content: bytes, old: str, content_of: Callable[[str], bytes]) -> list[Found]:
        if b"\0" in content[:SNIFFED_BYTES]:
            return []
        hits = self._known.get(_key(path, old))
        known = _by_line(_text(content_of(old)), hits) if hits is not None else {}
        return self._detector.detect(path, _text(content), known)


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def blob_of(content: bytes) -> str:
    """Return git's name of a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _key(path: str, blob: str) -> str:
    """Name a content; the file's ending is part of it, as patterns differ by language."""
    return blob + os.path.splitext(path)[1]  # noqa: PTH122 - a Path for each file takes longer than all else


def _by_line(text: str, hits: Iterable[Found]) -> dict[str, list[tuple[str, str]]]:
    """Return the lines of a text with what was found in each."""
    listed = lines(text)
    found: dict[str, list[tuple[str, str]]] = {line: [] for line in listed}
    for number, kind, value in hits:
        found[listed[number - 1]].append((kind, value))
    return found
