"""Reads what git holds: bytes, as file names and contents need not be UTF-8."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from onair.core.finding import Finding, OnairError

TIMEOUT_SECONDS = 120
FILES = frozenset({"100644", "100755"})
"""Modes of regular files; links and submodules have no text of ours."""


def variables(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return environment variables that give git these settings (key, value)."""
    parts = enumerate(("KEY", "VALUE"))
    pairs = {f"GIT_CONFIG_{part}_{i}": pair[j] for j, part in parts for i, pair in enumerate(settings)}
    return {"GIT_CONFIG_COUNT": str(len(settings)), **pairs}


def run(root: Path, *words: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``root``."""
    return subprocess.run(["git", *words], cwd=root, capture_output=True, input=data, check=False)


def output(root: Path, *words: str, data: bytes | None = None) -> bytes:
    """Run git in ``root`` and return what it writes.

    Raises
    ------
    OnairError
        If it fails: git's own message.
    """
    done = run(root, *words, data=data)
    if done.returncode:
        raise OnairError(Finding(rule="git/failed", file=str(root), what=f"git {words[0]}: {complaint(done)}"))
    return done.stdout


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return what a failed git says of it."""
    return done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"


def contents_of(root: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """Return the content of blobs by id, in one run of git."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found, position = {}, 0
    listing = output(root, "cat-file", "--batch", data="\n".join(wanted).encode() + b"\n")
    for each in wanted:
        end = listing.index(b"\n", position)
        words = listing[position:end].split(b" ")
        if len(words) == 3:
            start, size = end + 1, int(words[2])
            found[each] = listing[start : start + size]
            position = start + size + 1
        else:  # missing: a partial clone
            position = end + 1
    return found


def archive(url: str, ref: str, folder: str, environment: Mapping[str, str]) -> bytes:
    """Return a folder of another repository, at a tag or commit, as a tar file.

    Parameters
    ----------
    environment
        Added to ours, e.g. settings by which git reads a mirror (:func:`onair.adapters.mirrors.git_environment`).

    Raises
    ------
    OnairError
        If it cannot be had: git's own message.
    """
    settings = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **environment}
    words = ("init", "--quiet", "--bare"), ("fetch", "--quiet", "--depth=1", url, ref)
    with tempfile.TemporaryDirectory() as scratch:
        for each in (*words, ("archive", "--format=tar", "FETCH_HEAD", folder)):
            command = ["git", "-C", scratch, *each]
            try:
                done = subprocess.run(command, env=settings, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise _unfetched(url, ref, f"no answer within {TIMEOUT_SECONDS} s") from error
            if done.returncode:
                raise _unfetched(url, ref, complaint(done))
    return done.stdout


def unpacked(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the path and text of every file of such a tar file."""
    import io  # noqa: PLC0415 - a program renders sooner without
    import tarfile  # noqa: PLC0415

    with tarfile.open(fileobj=io.BytesIO(content)) as found:
        for member in found:
            file = found.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, file.read().decode(errors="replace")


def _unfetched(url: str, ref: str, why: str) -> OnairError:
    mend = "is the repository reachable, the tag right?"
    return OnairError(Finding(rule="git/source", what=f"{url} {ref}: {why}", mend=mend))
