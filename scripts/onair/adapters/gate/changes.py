"""What a change is, read from git: changed files before and after, a leaf's past digests, trailers, added lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from onair.adapters import git_read
from onair.adapters.gate import tree
from onair.adapters.git_read import FILES
from onair.core.finding import Finding, OnairError
from onair.core.leaf import Leaf

if TYPE_CHECKING:
    from onair.core.change.promotion import Held, Texts

NONE = "0" * 40
FOLLOWED = ("origin/main", "regions/main", "main")
"""Where the branch that clusters follow is looked for."""
HUNK = re.compile(rb"@@ -\S+ \+(\d+)")


@dataclass(frozen=True)
class Change:
    """The difference between the branch that clusters follow and a commit or the working tree.

    Attributes
    ----------
    root
        The repository's top folder, or a bare repository.
    base
        The commit that the branch points at.
    fork
        The merge base: where the change leaves the branch.
    head
        The commit that is judged; None for the working tree with what is not committed.
    tip
        The change's last commit; of the working tree what it stands on.
    listing
        The working tree's files (:func:`onair.adapters.gate.tree.listed`), where they are known already.
    """

    root: Path
    base: str
    fork: str
    head: str | None
    tip: str
    listing: Mapping[str, tree.Known] | None = None

    @cached_property
    def entries(self) -> dict[str, tuple[str | None, str | None]]:
        """Object ids before and after of each changed file; the working tree's is None where it must be read."""
        words = ["diff", "--raw", "-z", "--no-renames", "--no-abbrev", self.fork, *([self.head] if self.head else [])]
        fields = git_read.output(self.root, *words).split(b"\0")
        found: dict[str, tuple[str | None, str | None]] = {}
        for meta, name in zip(fields[::2], fields[1::2], strict=False):
            old_mode, new_mode, old, new, _ = meta.decode()[1:].split(" ")
            found[os.fsdecode(name)] = (
                old if old_mode in FILES else None,
                new if new_mode in FILES else None,
            )
        if self.head is None:
            listing = tree.listed(self.root) if self.listing is None else self.listing
            found |= {path: (None, NONE) for path, known in listing.items() if not known.tracked}
        return found

    @property
    def files(self) -> list[str]:
        """Paths of the changed files, removed ones too."""
        return sorted(self.entries)

    @cached_property
    def texts(self) -> Texts:
        """Text before and after of each changed file, by path; None where there is none."""
        ids = {each for pair in self.entries.values() for each in pair if each and each != NONE}
        blobs = blobs_of(self.root, ids)
        return {path: (blobs.get(old or ""), self._new(path, new, blobs)) for path, (old, new) in self.entries.items()}

    def _new(self, path: str, new: str | None, blobs: dict[str, str]) -> str | None:
        if new != NONE or self.head is not None:
            return blobs.get(new or "")
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    @cached_property
    def emergency(self) -> str:
        """The reason in the last trailer ``Emergency: <reason>`` of the change's commits; empty where there is none."""
        from onair.core.change.freeze import TRAILER  # noqa: PLC0415 - its libraries are for who judges the change

        lines = self._log(f"--format=%(trailers:key={TRAILER},valueonly,unfold)").decode(errors="replace").splitlines()
        return next((line.strip() for line in lines if line.strip()), "")

    def _log(self, *words: str) -> bytes:
        """Return what git tells of the change's commits."""
        if self.fork == self.tip:  # none: git need not be asked
            return b""
        return git_read.output(self.root, "-c", "core.quotePath=false", "log", *words, f"{self.fork}..{self.tip}")

    def history(self, leaf: Leaf) -> Sequence[Held]:
        """Return what a leaf pinned on the branch that clusters follow, oldest first.

        Notes
        -----
        Dates are the committer's of the branch's own line (first parents): when a merge brought a digest, not when it
        was written. Whoever commits can set them; that prod branches take merges by the server alone is what guards it.
        """
        return history(self.root, self.base, leaf)

    def added(self) -> Iterator[tuple[str, str, dict[int, str]]]:
        """Iterate over the lines that each commit of the change adds, those that a later one removes again too.

        Yields
        ------
        tuple
            Commit, path, text by line number. A merge's own edits are in no commit's lines; the tree has them.
        """
        words = ["--patch", "--unified=0", "--no-renames", "--no-color", "--no-ext-diff", "--format=%x00%H"]
        listing = self._log(*words)
        for part in listing.split(b"\0"):
            commit, _, patch = part.partition(b"\n")
            for path, lines in _added_lines(patch):
                yield commit.decode(), path, lines


def default_base(root: Path) -> str:
    """Return the branch that clusters follow, as far as this clone knows it.

    Raises
    ------
    OnairError
        If it knows none.
    """
    for name in FOLLOWED:
        if git_read.run(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode == 0:
            return name
    raise OnairError(
        Finding(
            rule="change/no-base",
            what=f"none of {', '.join(FOLLOWED)} is known here",
            why="what a change changes is judged against the branch that clusters follow",
            mend="git fetch, or name it: onair check --base REF",
        )
    )


def since(root: Path, base: str, head: str | None = None, listing: Mapping[str, tree.Known] | None = None) -> Change:
    """Return the change from the branch or commit ``base`` to ``head``, or to the working tree of these files.

    Raises
    ------
    OnairError
        If git does not know one of them, or they have no common past (a shallow clone).
    """
    followed, tip = _commits(root, base, head or "HEAD")
    return Change(root, followed, _fork(root, followed, tip, base, head), tip if head else None, tip, listing)


def history(root: Path, ref: str, leaf: Leaf) -> list[Held]:
    """Return what ``leaf`` pinned at each commit of the first-parent line of ``ref`` that changed it, oldest first."""
    from onair.core.change.promotion import Held, pinned  # noqa: PLC0415 - see Change.emergency

    words = [
        "log",
        "--first-parent",
        "-m",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--format=%x00%cI",
        ref,
        "--",
        leaf.path,
    ]
    found: list[tuple[datetime, str]] = []
    for part in git_read.output(root, *words).decode().split("\0")[1:]:
        lines = part.strip().splitlines()
        raw = [line for line in lines[1:] if line.startswith(":")]
        if raw:
            found.append((datetime.fromisoformat(lines[0]), raw[0].split(" ")[3]))
    blobs = blobs_of(root, {each for _, each in found if each != NONE})
    held: list[Held] = []
    for at, blob in reversed(found):
        digest = pinned(blobs.get(blob))
        if not held or held[-1].digest != digest:
            held.append(Held(at, digest))
    return held


def blobs_of(root: Path, ids: Iterable[str]) -> dict[str, str]:
    """Return the text of blobs by id; what is no UTF-8 has replacement characters."""
    return {each: content.decode(errors="replace") for each, content in git_read.contents_of(root, ids).items()}


def _added_lines(patch: bytes) -> Iterator[tuple[str, dict[int, str]]]:
    """Iterate over a patch's files and the lines that it adds to them."""
    path, number, lines, in_hunk = "", 0, dict[int, str](), False
    for raw in patch.split(b"\n"):
        if raw.startswith(b"diff --git "):
            if lines:
                yield path, lines
            path, lines, in_hunk = "", {}, False
        elif not in_hunk and raw.startswith(b"+++ b/"):
            path = os.fsdecode(raw[6:].rstrip(b"\t"))
        elif match := HUNK.match(raw):
            number, in_hunk = int(match[1]), True
        elif in_hunk and raw.startswith(b"+"):
            lines[number] = raw[1:].decode(errors="replace")
            number += 1
    if lines:
        yield path, lines


def _fork(root: Path, followed: str, tip: str, base: str, head: str | None) -> str:
    if followed == tip:  # nothing is committed yet
        return tip
    done = git_read.run(root, "merge-base", followed, tip)
    if done.returncode:
        raise OnairError(
            Finding(
                rule="change/no-base",
                what=f"{base} and {head or 'HEAD'} have no commit in common here",
                why="what a change changes is judged against the commit where it left the branch",
                mend="git fetch --unshallow (in GitHub Actions: actions/checkout with fetch-depth: 0)",
            )
        )
    return done.stdout.decode().strip()


def _commits(root: Path, *names: str) -> list[str]:
    """Return the commits that names stand for, in one question to git."""
    asked = "".join(f"{name}^{{commit}}\n" for name in names)
    answers = (
        git_read.output(root, "cat-file", "--batch-check=%(objectname)", data=asked.encode()).decode().splitlines()
    )
    for name, answer in zip(names, answers, strict=False):
        if len(answer.split()) != 1 or "\n" in name:  # "… missing", "… ambiguous"
            mend = f"git fetch origin {name.removeprefix('origin/')}, or name another commit"
            raise OnairError(Finding(rule="change/unknown-commit", what=f"git knows no commit {name!r}", mend=mend))
    return answers
