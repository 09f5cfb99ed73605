"""Secrets that git does not hold: which there are is data (``clusters/platform/secrets.yaml``), values are made here.

Locally ``onair up`` makes them; in prod the same names come from AWS Secrets Manager.
"""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Mapping
from typing import Any, Literal

import bcrypt
from pydantic import BaseModel, ConfigDict, model_validator

from onair.core.facts import Environment

ALPHABET = string.ascii_letters + string.digits
ROUNDS = 10
"""2^10 rounds of bcrypt: the cost that dex and most others default to."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Strict):
    """How one key of a Secret gets its value: exactly one of ``length``, ``value``, ``same`` and ``bcrypt``.

    Attributes
    ----------
    shared
        The value is drawn once for all clusters, not once for each: what one region signs, the other believes.
    """

    length: int | None = None
    value: str | None = None
    same: str | None = None
    bcrypt: str | None = None
    shared: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Key:
        if sum(origin is not None for origin in (self.length, self.value, self.same, self.bcrypt)) != 1:
            raise ValueError("exactly one of length, value, same and bcrypt")
        if self.shared and self.length is None and self.bcrypt is None:
            raise ValueError("shared: only what is drawn (length, bcrypt); a value or a copy is the same anyway")
        return self


class SecretSpec(_Strict):
    """One Secret: plain ``keys``, or a ``certificate`` for these host names under the environment's domain."""

    namespace: str
    name: str
    type: str = "Opaque"
    keys: dict[str, Key] = {}
    certificate: list[str] = []
    absent: list[Environment] = []
    merge: bool = False


class Secrets(_Strict):
    """``clusters/platform/secrets.yaml``."""

    apiVersion: Literal["onair.dev/v1"]
    kind: Literal["Secrets"]
    metadata: dict[str, str]
    spec: list[SecretSpec]

    def of(self, environment: Environment) -> list[SecretSpec]:
        """Return the Secrets that ``environment`` has."""
        return [secret for secret in self.spec if environment not in secret.absent]


Values = dict[tuple[str, str], dict[str, str]]
"""Values by (namespace, name) and key."""


def fill(specs: list[SecretSpec], present: Values) -> Values:
    """Return the value of every key: what is present stays, the rest is drawn, hashed or copied.

    Raises
    ------
    KeyError
        If ``same`` or ``bcrypt`` names a Secret or key that is not there.
    ValueError
        If a password to hash is longer than the 72 bytes that bcrypt takes.
    """
    done: Values = {}
    for spec in sorted(specs, key=lambda s: any(key.same for key in s.keys.values())):
        have = present.get((spec.namespace, spec.name), {})
        own = done.setdefault((spec.namespace, spec.name), {})
        for name, key in sorted(spec.keys.items(), key=lambda item: item[1].bcrypt is not None):
            own[name] = _value(key, name, have.get(name), own, done)
    return done


def shared(specs: list[SecretSpec]) -> list[SecretSpec]:
    """Return the Secrets that have keys with one value for all clusters, with those keys only."""
    only = [
        spec.model_copy(update={"keys": {name: key for name, key in spec.keys.items() if key.shared}}) for spec in specs
    ]
    return [spec for spec in only if spec.keys]


def join(first: Values, second: Values) -> Values:
    """Return the keys of both; where both have one, ``second`` says it."""
    return {secret: {**first.get(secret, {}), **second.get(secret, {})} for secret in first | second}


def manifest(spec: SecretSpec, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret object."""
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    metadata = {"namespace": spec.namespace, "name": spec.name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": spec.type, "data": data}


def _value(key: Key, name: str, present: str | None, own: Mapping[str, str], done: Values) -> str:
    if key.value is not None:
        return key.value
    if key.same is not None:
        namespace, _, secret = key.same.partition("/")
        return done[namespace, secret][name]
    if key.bcrypt is not None:
        password = own[key.bcrypt].encode()
        if present is not None and _hash_of(password, present):
            return present
        return bcrypt.hashpw(password, bcrypt.gensalt(ROUNDS)).decode()
    return present if present is not None else "".join(secrets.choice(ALPHABET) for _ in range(key.length or 0))


def _hash_of(password: bytes, found: str) -> bool:
    try:
        return bcrypt.checkpw(password, found.encode())
    except ValueError:  # it is no hash at all
        return False
