"""Reads which Secrets there are: ``clusters/platform/secrets.yaml``."""

from __future__ import annotations

from pathlib import Path

import yaml

from onair.core.facts import Environment
from onair.core.gate.invariants.secrets import DECLARATIONS
from onair.core.secrets import Secrets, SecretSpec


def declared(root: Path, environment: Environment) -> list[SecretSpec]:
    """Return the Secrets of an environment."""
    return Secrets.model_validate(yaml.safe_load((root / DECLARATIONS).read_text(encoding="utf-8"))).of(environment)
