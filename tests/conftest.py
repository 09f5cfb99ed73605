"""What several tests share."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from support import Recorder

settings.register_profile("here", deadline=None)  # a busy machine is no failure: timing belongs to benchmarks/
settings.load_profile("here")
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
def recorder() -> Recorder:
    """A reporter that remembers what it was told."""
    return Recorder()
