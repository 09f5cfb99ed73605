"""The services' roles and databases on a server of the cloud, where nobody's start-up script makes them.

Locally ``infrastructure/data/base/start.sh`` makes the same out of the same Secrets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

ITERATIONS = 4096
"""Of PBKDF2: PostgreSQL's own default (scram_iterations)."""
SALT_BYTES = 16
Execute = Callable[[str], list[str]]
"""Runs a statement by itself, outside of a transaction, and returns the first column of its rows."""


class Login(NamedTuple):
    """What a service signs in with, out of its Secret."""

    user: str
    password: str
    database: str

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Login:
        """Return the login of a Secret's values.

        Raises
        ------
        KeyError
            One of the three is not among them.
        """
        return cls(values["PGUSER"], values["PGPASSWORD"], values["PGDATABASE"])


def make(execute: Execute, logins: Iterable[Login]) -> Iterator[str]:
    """Make what is missing and set every password; yields what was done.

    It can be run again at any time, and goes on where it stopped. Nothing is ever taken away.
    """
    roles = set(execute("SELECT rolname::text FROM pg_roles"))
    databases = set(execute("SELECT datname::text FROM pg_database"))
    for login in logins:
        role, database = name(login.user), name(login.database)
        if login.user not in roles:
            execute(f"CREATE ROLE {role} LOGIN")
            roles.add(login.user)
            yield f"role {login.user} made"
        execute(f"ALTER ROLE {role} PASSWORD '{verifier(login.password)}'")
        yield f"password of {login.user} set"
        if login.database not in databases:
            # Who is no superuser gives a database only to a role that they are in.
            execute(f"GRANT {role} TO CURRENT_USER")
            execute(f"CREATE DATABASE {database} OWNER {role}")
            databases.add(login.database)
            yield f"database {login.database} made"


def name(text: str) -> str:
    """Return a name as SQL quotes it."""
    return '"' + text.replace('"', '""') + '"'


def verifier(password: str) -> str:
    """Return what PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803), so that no log ever has the password.

    Parameters
    ----------
    password
        ASCII: of other characters PostgreSQL would keep another form (SASLprep).

    Raises
    ------
    ValueError
        The password is empty or has other characters.
    """
    if not password or not password.isascii() or not password.isprintable():
        message = "a password is of printable ASCII characters"
        raise ValueError(message)
    salt = secrets.token_bytes(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(each).decode() for each in (salt, client, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"
