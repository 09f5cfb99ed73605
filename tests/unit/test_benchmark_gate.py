"""The gate's benchmark and the seeded defects: what they break and multiply is what they say."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from benchmarks import gate, gate_chain, seeds
from benchmarks.seeds import Defect, Edit


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeds.copy(tmp_path_factory.mktemp("seeds") / "whole")


@pytest.mark.parametrize(
    ("way", "after"),
    [
        ({"swap": ("one", "two")}, b"two\n"),
        ({"sub": ("o(n)e", r"\1")}, b"n\n"),
        ({"append": "x", "then": "y", "times": 3}, b"one\nxyyy"),
        ({"write": "[", "times": 3}, b"one\n[[["),
        ({"prefix": "efbbbf"}, b"\xef\xbb\xbfone\n"),
        ({"encoding": "utf-16-le"}, "one\n".encode("utf-16-le")),
        ({"crlf": True}, b"one\r\n"),
        ({"append": "sec@JOIN@ret"}, b"one\nsecret"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_edit_changes_the_file_as_it_says(way: dict[str, Any], after: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one\n")
    Edit(file="a.yaml", **way).apply(tmp_path)
    assert (tmp_path / "a.yaml").read_bytes() == after


def test_an_edit_makes_links_and_takes_files_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one\n")
    Edit(file="b/c.yaml", symlink="../a.yaml").apply(tmp_path)
    assert (tmp_path / "b/c.yaml").resolve() == tmp_path / "a.yaml"
    Edit(file="a.yaml", delete=True).apply(tmp_path)
    assert not (tmp_path / "a.yaml").exists()


@pytest.mark.parametrize("way", [{"swap": ("two", "three")}, {"swap": ("o", "0")}, {"sub": ("two", "x")}])
def test_an_edit_that_does_not_fit_is_refused(way: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one o\n")
    with pytest.raises(ValueError, match=r"a\.yaml"):
        Edit(file="a.yaml", **way).apply(tmp_path)


@pytest.mark.parametrize("ways", [{}, {"crlf": True, "delete": True}, {"swap": ("a", "b"), "append": ""}])
def test_an_edit_has_one_way(ways: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one way"):
        Edit(file="a.yaml", **ways)


@pytest.mark.parametrize("defect", list(seeds.load()), ids=lambda defect: defect.id)
def test_every_defect_still_fits_the_repository(defect: Defect, whole: Path, tmp_path: Path) -> None:
    for file in defect.files:
        if (whole / file).exists():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes((whole / file).read_bytes())
    defect.apply(tmp_path)


def test_services_are_multiplied_with_their_leaves(whole: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(whole, tmp_path / "copy", symlinks=True))
    gate.multiply(copy, 100)
    assert len(gate_chain.leaves(copy)) == len(gate_chain.leaves(whole)) + 3 * 4
    leaf = yaml.safe_load((copy / "clusters/prod-kr/apps/web001/kustomization.yaml").read_text())
    assert leaf["resources"] == ["../../../../apps/web001/base"]
    names = {
        document["metadata"]["name"]
        for file in ("workload.yaml", "network.yaml")
        for document in yaml.safe_load_all((copy / "apps/web001/base" / file).read_text())
    }
    assert names == {"web001", "web001-preview"}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("apps/web/base/network.yaml", ["clusters/local-kr/apps/web"]),
        ("infrastructure/data/base/volumes.yaml", ["clusters/local-kr/infrastructure/data"]),
        ("clusters/prod-us/apps/live/kustomization.yaml", ["clusters/prod-us/apps/live"]),
    ],
)
def test_the_chain_looks_at_what_an_edit_touches(file: str, expected: list[str], whole: Path) -> None:
    assert gate_chain.touched(whole, [file]) == expected


def test_the_chain_looks_at_all_leaves_of_a_cluster_for_a_shared_file(whole: Path) -> None:
    shared = gate_chain.touched(whole, ["apps/components/env-prod/kustomization.yaml"])
    assert shared == gate_chain.leaves(whole, "prod-kr")


@pytest.mark.parametrize(
    ("code", "clean", "fails"), [(0, True, False), (1, False, False), (1, True, True), (2, False, True)]
)
def test_a_failed_check_is_no_measurement(
    code: int, clean: bool, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    if fails:
        with pytest.raises(RuntimeError, match=f"ended with {code}"):
            gate.command(tmp_path, tmp_path, clean=clean)
    else:
        seconds, _ = gate.command(tmp_path, tmp_path, clean=clean)
        assert 0 < seconds < 10
