"""Migrations as data: which files a service has, what is applied, what is left. No I/O but reading these files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

_NAME = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+\.sql\Z")


class MigrationError(Exception):
    """The migrations and the database do not fit; the message says what and how to mend it."""


@dataclass(frozen=True)
class Migration:
    """One versioned SQL file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def parse(files: Iterable[tuple[str, str]]) -> list[Migration]:
    """Return the migrations in order of version.

    Raises
    ------
    MigrationError
        When a name is malformed or versions are not 1, 2, 3 …
    """
    found = []
    for name, sql in sorted(files):
        match = _NAME.match(name)
        if not match:
            raise MigrationError(f"migrations/{name}: name it NNNN_what_it_does.sql")
        found.append(Migration(int(match["version"]), name, sql))
    for expected, migration in enumerate(found, 1):
        if migration.version != expected:
            raise MigrationError(f"migrations/{migration.name}: expected version {expected:04d}; renumber it")
    return found


def load(package: str) -> list[Migration]:
    """Return the migrations that this version of a service's package brings, out of its folder ``migrations``."""
    folder = resources.files(package) / "migrations"
    return parse((f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".sql"))


def pending(known: list[Migration], applied: Mapping[int, str]) -> list[Migration]:
    """Return what is still to be applied.

    Parameters
    ----------
    applied : Mapping[int, str]
        Checksum by version, as recorded in the database. Versions newer than the code's are a later release's and
        are fine: migrations expand first and contract later.

    Raises
    ------
    MigrationError
        When a file was changed after it had been applied.
    """
    for migration in known:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"migrations/{migration.name}: differs from what was applied; restore it and add a new file instead"
            )
    return [m for m in known if m.version not in applied]
