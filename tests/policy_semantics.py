"""Policies made to show how the API server judges, and objects for them."""

from pathlib import Path

import yaml
from policy_examples import as_object, namespaces

from onair.core.gate.model import Body
from onair.core.gate.policy.judge import Judge
from onair.core.gate.policy.read import read

_FOLDER = Path(__file__).parent / "unit/gate/policy/semantics"


def _load(name: str) -> list[Body]:
    return list(yaml.safe_load_all((_FOLDER / f"{name}.yaml").read_text()))


SEMANTICS, OBJECTS, PARAMETERS = _load("policies"), _load("objects"), _load("parameters")


def semantics(bodies: list[Body]) -> Judge:
    found, _ = read(("semantics.yaml", body) for body in bodies)
    return Judge(found, objects=[as_object(body) for body in [*namespaces(), *PARAMETERS]])
