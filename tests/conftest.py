"""What several tests share."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from onair.core.finding import Finding, OnairError

FindingsOf = Callable[[Callable[[], object]], tuple[Finding, ...]]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository under test."""
    return ROOT


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the facts that a test may spoil."""
    for file in ROOT.glob("clusters/**/*.yaml"):
        target = tmp_path / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return tmp_path


@pytest.fixture
def findings_of() -> FindingsOf:
    """Run an action, which must fail, and return what it found."""

    def run(action: Callable[[], object]) -> tuple[Finding, ...]:
        with pytest.raises(OnairError) as caught:
            action()
        return caught.value.findings

    return run
