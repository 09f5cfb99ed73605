"""Finished builds on disk: an entry is whole or it is not there, and damage is found."""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from onair.core.progress import Reporter

MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"


def digest(file: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def damage(entry: Path, names: Iterable[str], *, full: bool) -> str | None:
    """Say what is wrong with an entry; None when it is whole.

    Parameters
    ----------
    entry
        Folder of one finished build.
    names
        The files it must have.
    full
        Hash every file. Otherwise only files whose size or time changed are hashed.
    """
    try:
        manifest: dict[str, dict[str, str | int]] = json.loads((entry / MANIFEST).read_text())
        for name in names:
            file, noted = entry / name, manifest[name]
            stat = file.stat()
            if stat.st_size != noted["size"]:
                return f"{name} has {stat.st_size} bytes instead of {noted['size']}"
            if (full or stat.st_mtime_ns != noted["mtime_ns"]) and digest(file) != noted["sha256"]:
                return f"{name} differs from its SHA-256"
    except FileNotFoundError as error:
        return f"{Path(str(error.filename)).name} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{MANIFEST} is unreadable or incomplete"
    return None


@contextmanager
def new_entry(entry: Path) -> Iterator[Path]:
    """Give a folder to build in; it becomes ``entry`` when the block ends well, and is gone otherwise."""
    unfinished = entry.parent / f"{_UNFINISHED}{entry.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        manifest = {}
        for file in sorted(unfinished.iterdir()):
            stat = file.stat()
            manifest[file.name] = {
                "sha256": digest(file),
                "size": stat.st_size,
                "mtime_ns": stat.st_mtime_ns,
            }
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1))
        shutil.rmtree(entry, ignore_errors=True)
        unfinished.rename(entry)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def locked(file: Path, reporter: Reporter) -> Iterator[None]:
    """Hold ``file`` alone; waits, and says so, while another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            with reporter.step(f"waiting for the build of process {handle.read().strip() or '?'}"):
                while not _try(handle.fileno()):
                    time.sleep(0.2)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
