"""Secrets with one value for all local regions, kept where no single region owns them."""

from __future__ import annotations

import fcntl
import json

import yaml

from onair.adapters.local import files
from onair.adapters.local.platform import LocalPlatform
from onair.core.facts import Environment
from onair.core.secrets import Secrets, SecretSpec, Values, fill, join, shared


def declared(local: LocalPlatform) -> list[SecretSpec]:
    """Return the Secrets of the local environment."""
    declared = Secrets.model_validate(yaml.safe_load((local.root / "clusters/platform/secrets.yaml").read_text()))
    return declared.of(Environment.LOCAL)


def values(local: LocalPlatform) -> Values:
    """Return the shared values: what was drawn before stays, what is new is drawn.

    Both regions come up at the same time, so one draws and the other waits.
    """
    file = local.keys() / "shared-secrets.json"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = json.loads(file.read_text()) if file.exists() else {}
        kept: Values = {
            (namespace, name): keys for each, keys in stored.items() for namespace, _, name in [each.partition("/")]
        }
        drawn = fill(shared(declared(local)), kept)
        files.write({file: json.dumps({"/".join(secret): keys for secret, keys in join(kept, drawn).items()})})
    return drawn
