"""Reads what ``terraform show -json`` says of a saved plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onair.core.finding import Finding, OnairError


def read(file: Path) -> Mapping[str, Any]:
    """Return the plan.

    Raises
    ------
    OnairError
        There is no such file, or it is no plan.
    """
    mend = "write it: terraform show -json saved.tfplan > plan.json"
    try:
        loaded = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise OnairError(Finding(rule="cloud/plan", what="no such file", mend=mend, file=str(file))) from error
    except (OSError, ValueError) as error:
        what = f"not a plan in JSON: {error}"
        raise OnairError(Finding(rule="cloud/plan", what=what, mend=mend, file=str(file))) from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("planned_values"), dict):
        what = "JSON, but no plan of Terraform: it has no planned_values"
        raise OnairError(Finding(rule="cloud/plan", what=what, mend=mend, file=str(file)))
    return {"resource_changes": [], **loaded}
