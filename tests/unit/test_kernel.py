from pathlib import Path

import pytest

from onair.adapters.local import kernel
from onair.core.paths import Paths


def test_settings_are_put_back_as_they_were_before_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panic = tmp_path / "proc/kernel/panic"
    panic.parent.mkdir(parents=True)
    panic.write_text("0\n")
    monkeypatch.setattr(kernel, "PROC", tmp_path / "proc")
    paths = Paths(tmp_path / "cache", tmp_path / "state", tmp_path / "run")
    kernel.restore(paths)  # nothing was noted: nothing to put back
    kernel.note(paths)
    panic.write_text("10\n")  # kubelet's
    kernel.note(paths)  # a second up
    kernel.restore(paths)
    assert panic.read_text() == "0"
