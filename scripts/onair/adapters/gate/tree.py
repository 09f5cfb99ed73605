"""Reads what is delivered from: the working tree, or a commit without touching the working tree."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from onair.adapters import git_read
from onair.core.finding import Finding, OnairError
from onair.core.gate.tree_rules import WHY

FOLDERS = ("apps", "clusters", "infrastructure", "policies")

TOO_LARGE_BYTES = 1 << 20
_LINK = 0o120000
_BOM = b"\xef\xbb\xbf"


class Tree(NamedTuple):
    """Files by their path from the repository's root, and what is wrong with files as such."""

    files: dict[str, str]
    findings: list[Finding]


class _Entry(NamedTuple):
    """A file as found: its bytes, or where a symbolic link points to, or only its size where that is too large.

    ``text`` stands for the bytes of a file that was read already.
    """

    content: bytes | None
    link: str | None = None
    size: int = 0
    text: str | None = None


class Known(NamedTuple):
    """What git's index says of a file.

    Attributes
    ----------
    blob
        The content that it holds; None for what is no regular file, or not in git yet.
    same
        Whether the file on the disk has this content, as far as git can tell by its size and times.
    tracked
        Whether git has the file at all.
    """

    blob: str | None
    same: bool
    tracked: bool = True


_NEW, _SAME = Known(None, same=False, tracked=False), Known(None, same=True)


def read(root: Path, folders: Sequence[str] = FOLDERS, listing: Iterable[str] | None = None) -> Tree:
    """Read the working tree: what git holds or would add, as it is on the disk.

    Parameters
    ----------
    root
        The repository's top folder; one that is not under git is read whole.
    listing
        The paths of all files (:func:`listed`), where they are known already.
    """
    if listing is None:
        listing = listed(root) if (root / ".git").exists() else _walked(root, folders)
    paths = (path for path in listing if path.partition("/")[0] in folders)
    return _tree({path: entry for path in paths if _delivered(path) and (entry := _on_disk(root / path))})


def at(root: Path, ref: str, folders: Sequence[str] = FOLDERS, texts: Mapping[str, str] | None = None) -> Tree:
    """Read a commit.

    Parameters
    ----------
    texts
        What was read already, by blob (:func:`texts_by_blob`); what is wrong with such a file is not told again.

    Raises
    ------
    OnairError
        There is no such commit.
    """
    listing = _git(root, "ls-tree", "-r", "-l", "-z", "--full-tree", ref, "--", *(f"{each}/" for each in folders))
    modes: dict[str, tuple[int, str, int]] = {}
    for line in filter(None, listing.decode(errors="surrogateescape").split("\0")):
        facts, _, path = line.partition("\t")
        mode, kind, identity, size = facts.split()
        if kind == "blob" and _delivered(path):
            modes[path] = int(mode, 8), identity, int(size)
    known = {path: (texts or {}).get(blob) for path, (bits, blob, _) in modes.items() if bits != _LINK}
    small = ((path, blob) for path, (_, blob, size) in modes.items() if size <= TOO_LARGE_BYTES)
    contents = git_read.contents_of(root, (blob for path, blob in small if known.get(path) is None))
    entries: dict[str, _Entry] = {}
    for path, (bits, blob, length) in modes.items():
        content = contents.get(blob)
        link = content.decode(errors="replace") if bits == _LINK and content is not None else None
        entries[path] = _Entry(None if link is not None else content, link, length, known.get(path))
    return _tree(entries)


def texts_by_blob(files: Mapping[str, str], listing: Mapping[str, Known]) -> dict[str, str]:
    """Return the text of every file that is on the disk as git holds it, by its blob."""
    pairs = ((known.blob, files.get(path)) for path, known in listing.items() if known.same)
    return {blob: text for blob, text in pairs if blob and text is not None}


def _tree(entries: Mapping[str, _Entry]) -> Tree:
    files: dict[str, str] = {}
    findings: list[Finding] = []
    for path, entry in sorted(entries.items()):
        if not path.isprintable():  # so is every byte of a name that is not UTF-8
            shown = ascii(path)
            findings.append(_finding("not-utf8", shown, "a name that cannot be printed", "give it another name"))
        elif entry.text is not None:
            files[path] = entry.text
        elif entry.link is None:
            text, problems = _text(path, entry)
            findings += problems
            if text is not None:
                files[path] = text
    links = {path: entry.link for path, entry in sorted(entries.items()) if entry.link is not None}
    for _ in range(3):  # a link may lead to a link
        for path, target in links.items():
            files |= _followed(files, path, target)
    for path, target in links.items():
        if _leads_out(path, target):
            findings.append(_outside(path, target))
        elif not any(each == path or each.startswith(f"{path}/") for each in files):
            what = f"links to {target}, which is no file of the repository"
            findings.append(_finding("symlink-broken", path, what, f"git rm {path}, or let it lead to a file"))
    return Tree(dict(sorted(files.items())), findings)


def _text(path: str, entry: _Entry) -> tuple[str | None, list[Finding]]:
    if entry.content is None:
        what = f"{entry.size:,} bytes; {TOO_LARGE_BYTES:,} are read at most"
        return None, [_finding("too-large", path, what, "split it, or keep it out of the delivered folders")]
    raw, findings = entry.content, []
    if raw.startswith(_BOM):
        raw = raw.removeprefix(_BOM)
        what = "starts with a byte order mark"
        findings.append(_finding("bom", path, what, f"sed -i '1s/^\\xEF\\xBB\\xBF//' {path}", 1))
    if b"\r" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\r")) + 1
        findings.append(_finding("crlf", path, "a line ends in CR", f"sed -i 's/\\r//g' {path}", line))
    try:
        return raw.decode(), findings
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte {raw[error.start]:#04x} is not UTF-8"
        mend = "save it as UTF-8; what is binary belongs into an image"
        findings.append(_finding("not-utf8", path, what, mend, line))
        return None if b"\0" in raw else raw.decode(errors="replace"), findings


def _finding(rule: str, path: str, what: str, mend: str, line: int | None = None) -> Finding:
    name = f"tree/{rule}"
    return Finding(rule=name, what=f"{path}: {what}", why=WHY[name], mend=mend, file=path, line=line)


def _outside(path: str, target: str) -> Finding:
    return _finding("symlink-out", path, f"links to {target}, out of the repository", f"git rm {path}")


def _target(path: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _leads_out(path: str, target: str) -> bool:
    return target.startswith("/") or _target(path, target).startswith("..")


def _followed(files: Mapping[str, str], path: str, target: str) -> dict[str, str]:
    """Return what stands at a link: a file, or a folder's files."""
    if _leads_out(path, target):
        return {}
    real = _target(path, target)
    if real in files:
        return {path: files[real]}
    if f"{path}/".startswith(f"{real}/"):  # a link to a folder above itself has no end
        return {}
    return {path + each[len(real) :]: text for each, text in files.items() if each.startswith(f"{real}/")}


def _delivered(path: str) -> bool:
    parts = path.split("/")
    return not (parts[0] == "apps" and len(parts) > 3 and parts[2] in ("src", "tests"))


def listed(root: Path) -> dict[str, Known]:
    """Return all files that are, or would be, in git, by path, with what the index knows of them."""
    words = ("ls-files", "-z", "-v", "--stage", "--cached", "--modified", "--others", "--exclude-standard")
    found: dict[str, Known] = {}
    for line in filter(None, _git(root, *words).decode(errors="surrogateescape").split("\0")):
        if line.startswith("? "):
            found[line[2:]] = _NEW
            continue
        facts, _, path = line.partition("\t")
        tag, mode, blob, stage = facts.split(" ")
        # A modified file is listed twice; any other tag than H is one of which git was told not to look.
        same = tag == "H" and stage == "0" and found.get(path, _SAME).same
        found[path] = Known(blob if mode in git_read.FILES and stage == "0" else None, same)
    return found


def _walked(root: Path, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        for top, below, names in os.walk(root / folder):
            linked = [name for name in below if (Path(top) / name).is_symlink()]
            below[:] = [name for name in below if not name.startswith(".") and name not in linked]
            yield from (str((Path(top) / name).relative_to(root)) for name in (*names, *linked))


def _on_disk(path: Path) -> _Entry | None:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return _Entry(None, str(path.readlink()))
        if not stat.S_ISREG(found.st_mode):
            return None
        return _Entry(path.read_bytes() if found.st_size <= TOO_LARGE_BYTES else None, size=found.st_size)
    except FileNotFoundError:  # deleted, but not yet from git
        return None


def _git(root: Path, *words: str) -> bytes:
    done = git_read.run(root, *words)
    if done.returncode:
        mend = "name a commit that this clone has: git fetch"
        raise OnairError(Finding(rule="tree/git", what=f"git {words[0]}: {git_read.complaint(done)}", mend=mend))
    return done.stdout
