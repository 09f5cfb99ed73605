"""The benchmarks' arithmetic and report; the measurements themselves need the running regions."""

from pathlib import Path

import pytest
from benchmarks import record, up
from benchmarks.record import Figure, Machine, Record

MACHINE = Machine(system="Debian", kernel="6.1", processor="x", cores=2, memory=8, cgroup=2, python="3.11", load=0.1)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(record, "RECORDS", tmp_path / "benchmarks")
    monkeypatch.setattr(record, "REPORT", tmp_path / "benchmarks.md")
    return tmp_path


def test_quantiles_are_samples_by_nearest_rank() -> None:
    figure = Figure(name="x", unit="s", samples=[float(n) for n in range(20, 0, -1)], target=19, judged="p95")
    assert [figure.value(how) for how in ("min", "median", "p95", "max")] == [1, 10.5, 19, 20]
    assert figure.met
    assert not Figure(name="x", unit="s", samples=[1, 2, 30], target=19, judged="p95").met
    assert Figure(name="x", unit="s", samples=[1]).met is None


def test_report_says_what_missed_its_target(elsewhere: Path) -> None:
    figures = [Figure(name="slow", unit="s", samples=[5.0, 7.0], target=6), Figure(name="fine", unit="s", samples=[1])]
    saved = record.save("push", figures, MACHINE, ["how"])
    assert Record.model_validate_json((elsewhere / "benchmarks/push.json").read_bytes()) == saved
    text = (elsewhere / "benchmarks.md").read_text()
    assert "| slow | s | 2 | 5 | 6 | 7 | 7 | max ≤ 6 | **no** |" in text
    assert "2 cores (x), 8 GiB, Debian" in text


def test_up_takes_the_platform_down_only_when_asked() -> None:
    calls: list[tuple[str, ...]] = []

    def command(*words: str) -> float:
        calls.append(words)
        return 3.0

    up.run(cold=0, warm=0, repeat=2, command=command)
    assert calls == [("up",), ("up",)]
    calls.clear()
    measured = up.run(cold=1, warm=1, repeat=0, command=command)
    assert calls == [("down", "--purge"), ("up",), ("down",), ("up",)]
    assert [f.name for f in measured.figures] == [
        "up, cold",
        "onair down --purge before it",
        "up, warm",
        "onair down before it",
    ]
    assert measured.figures[0].met


def test_a_failed_up_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(RuntimeError, match="onair up ended with 1"):
        up.onair("up")


def test_machine_is_described() -> None:
    found = record.machine()
    assert found.cores > 0
    assert found.memory > 0
    assert found.processor
