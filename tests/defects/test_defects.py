"""Every seeded defect is found by the rule that is meant to find it, and none makes the gate crash."""

import shutil
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from benchmarks import seeds
from benchmarks.defects import check

from onair.core.report.model import CLEAN, FINDINGS, Report

pytestmark = pytest.mark.integration

DEFECTS = list(seeds.load())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: what a defect does not touch is rendered once."""
    return tmp_path_factory.mktemp("gate-cache")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it is, committed."""
    folder = seeds.copy(tmp_path_factory.mktemp("defects") / "whole")
    seeds.commit(folder)
    return folder


@pytest.fixture(scope="module")
def unbroken(whole: Path, cache: Path) -> Report:
    return check(whole, cache)


@pytest.fixture
def broken(whole: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(whole, tmp_path / "broken", symlinks=True))


def test_there_are_enough_and_each_is_one_of_its_own() -> None:
    assert len(DEFECTS) >= 60
    assert max(Counter(defect.id for defect in DEFECTS).values()) == 1
    assert max(Counter(defect.edits for defect in DEFECTS).values()) == 1


def test_the_unbroken_copy_is_clean(unbroken: Report) -> None:
    assert unbroken.exit_code == CLEAN, [f"{found.rule} {found.where} {found.what}" for found in unbroken.findings]
    assert unbroken.checked.objects > 100, "a check that saw nothing is no check"


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.id)
def test_defect_is_found(defect: seeds.Defect, unbroken: Report, broken: Path, cache: Path) -> None:
    defect.apply(broken)
    report = check(broken, cache, against="HEAD" if defect.change else None)
    new = [found for found in report.findings if found not in unbroken.findings]
    told = [f"{found.rule} {found.where}: {found.what}" for found in new]
    assert report.exit_code == FINDINGS, f"{defect.breaks}: not found"
    mine = [found for found in new if fnmatchcase(found.rule, defect.rule)]
    assert mine, f"{defect.breaks}: not by {defect.rule}, but {told}"
    assert all(found.mend for found in new), "a finding says how to mend it"
