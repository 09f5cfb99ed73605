"""Secrets with one value for all local regions, kept where no single region owns them."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from onair.adapters.local import files
from onair.adapters.local.platform import PLATFORM, LocalPlatform
from onair.adapters.secrets_file import declared
from onair.core.facts import Environment
from onair.core.finding import Finding, OnairError
from onair.core.secrets import Values, fill, join, shared

FILE = "shared-secrets.json"


def values(local: LocalPlatform) -> Values:
    """Return the shared values: what was drawn before stays, what is new is drawn.

    Both regions come up at the same time, so one draws and the other waits.
    """
    file = local.keys() / FILE
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = _read(file) if file.exists() else {}
        drawn = fill(shared(declared(local.root, Environment.LOCAL)), stored)
        files.write({file: json.dumps({"/".join(secret): keys for secret, keys in join(stored, drawn).items()})})
    return drawn


def kept(local: LocalPlatform) -> Values:
    """Return the shared values that were drawn.

    Raises
    ------
    OnairError
        The regions were never started here, or their keys are not yours to read.
    """
    try:
        return _read(local.paths.pki(PLATFORM) / FILE)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}"
        raise OnairError(Finding(rule="access/secret", what=what, mend="make up, and run this as root")) from error


def _read(file: Path) -> Values:
    found = json.loads(file.read_text())
    return {(namespace, name): keys for each, keys in found.items() for namespace, _, name in [each.partition("/")]}
