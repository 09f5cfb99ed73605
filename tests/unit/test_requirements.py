"""docs/requirements.yaml: every line of the client's request once, and evidence that stands where it is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = yaml.safe_load((ROOT / "docs/requirements.yaml").read_text(encoding="utf-8"))["requirements"]
NAMED = {".py": r"(?m)^(async )?def {}\(", ".hcl": r'(?m)^run "{}" \{{'}
"""How a test of that name begins."""


def lacking(evidence: str, root: Path = ROOT) -> str | None:
    """Return what is wrong with one line of evidence; None when it stands."""
    file, _, name = evidence.partition("::")
    path = root / file
    if not path.exists():
        return f"{file} does not exist"
    if not name:
        return f"{file} has tests: name one, as {file}::name" if path.name.startswith("test_") else None
    if not re.search(NAMED[path.suffix].format(re.escape(name)), path.read_text(encoding="utf-8")):
        return f"{file} has no test {name}"
    return None


@pytest.mark.parametrize(
    "evidence", sorted({line for entry in REQUIREMENTS for line in entry.get("evidence", ())}), ids=str
)
def test_evidence_stands_where_it_is_named(evidence: str) -> None:
    assert lacking(evidence) is None


@pytest.mark.parametrize(
    "evidence", ["docs/nowhere.md", "tests/unit/test_requirements.py", "tests/unit/test_requirements.py::test_nothing"]
)
def test_evidence_that_does_not_stand_is_found(evidence: str) -> None:
    assert lacking(evidence)


def test_every_line_has_an_id_of_its_own_and_known_fields() -> None:
    ids = [entry["id"] for entry in REQUIREMENTS]
    assert len(ids) == len(set(ids))
    fields = {"id", "level", "sector", "ko", "en"}
    assert all(fields <= set(entry) <= fields | {"evidence"} for entry in REQUIREMENTS)
    assert {entry["level"] for entry in REQUIREMENTS} == {"must", "optional", "deliverable", "limit"}
