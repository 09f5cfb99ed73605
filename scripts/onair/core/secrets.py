"""Secrets that git does not hold: which there are is data (``clusters/platform/secrets.yaml``), values are made here.

Locally ``onair up`` makes them; in prod the same names come from AWS Secrets Manager.
"""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from onair.core.facts import Environment

ALPHABET = string.ascii_letters + string.digits


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Strict):
    """How one key of a Secret gets its value: exactly one of the three."""

    length: int | None = None
    value: str | None = None
    same: str | None = None


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
    """Return the value of every key: what is present stays, the rest is drawn or copied.

    Raises
    ------
    KeyError
        If ``same`` names a Secret or key that is not there.
    """
    done: Values = {}
    for spec in sorted(specs, key=lambda s: any(key.same for key in s.keys.values())):
        have = present.get((spec.namespace, spec.name), {})
        done[spec.namespace, spec.name] = {
            name: have[name] if key.length and name in have else _value(key, name, done)
            for name, key in spec.keys.items()
        }
    return done


def manifest(spec: SecretSpec, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret object."""
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    metadata = {"namespace": spec.namespace, "name": spec.name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": spec.type, "data": data}


def _value(key: Key, name: str, done: Values) -> str:
    if key.value is not None:
        return key.value
    if key.same is not None:
        namespace, _, secret = key.same.partition("/")
        return done[namespace, secret][name]
    return "".join(secrets.choice(ALPHABET) for _ in range(key.length or 0))
