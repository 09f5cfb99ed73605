import io

import pytest
from rich.console import Console

from onair.cli import app
from onair.cli.console import ConsoleReporter, render
from onair.core.finding import Finding, OnairError, errors

FAULT = Finding(rule="facts/overlap", what="a [b] c", why="because", mend="edit it", file="x.yaml", line=3)
HINT = Finding(rule="area/hint", what="may be", severity="warning")


def screen(terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=200, highlight=False), text


def test_a_finding_is_drawn_with_all_it_knows() -> None:
    console, text = screen()
    render([HINT, FAULT], console)
    assert text.getvalue().splitlines() == [
        "error x.yaml:3: a [b] c (facts/overlap)",
        "  why: because",
        "  mend: edit it",
        "warning may be (area/hint)",
    ]
    assert errors([HINT, FAULT]) == [FAULT]
    assert str(OnairError(HINT, FAULT)) == "may be; x.yaml:3: a [b] c"


def test_a_log_gets_one_line_at_begin_and_end() -> None:
    console, text = screen()
    reporter = ConsoleReporter(console)
    with reporter.step("build", total=2) as step:
        step.advance()
        step.note("half [way]")
    with pytest.raises(ValueError, match="x"), reporter.step("broken"):
        raise ValueError("x")
    lines = text.getvalue().splitlines()
    assert lines[0] == "… build"
    assert lines[1].startswith("✓ build: half [way] ")
    assert lines[3].startswith("✗ broken: failed ")


def test_a_long_step_speaks_up_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onair.cli.console.PLAIN_NOTE_SECONDS", 0.0)
    console, text = screen()
    with ConsoleReporter(console).step("build", total=9) as step:
        step.advance(4)
        step.note("pkg")
    assert "… build 4/9 pkg (0 s)" in text.getvalue()


def test_a_terminal_shows_steps_at_once_and_cleans_up() -> None:
    console, text = screen(terminal=True)
    reporter = ConsoleReporter(console)
    with reporter.step("one") as one, reporter.step("two", total=3) as two:
        one.note("here")
        two.advance()
        two.done("enough")
        assert reporter.progress is not None
    assert reporter.progress is None
    assert "enough" in text.getvalue()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["toolchain", "nope"], 2, "no tool is called nope"),
        (["nonsense"], 2, "No such command"),
        (["--help"], 0, ""),
    ],
)
def test_exit_codes(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        app.main(arguments)
    assert (stop.value.code or 0) == code
    assert words in capsys.readouterr().err


def test_an_interrupt_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("onair.cli.toolchain.ensure", interrupted)
    monkeypatch.setattr("onair.cli.toolchain.ConsoleReporter", interrupted)
    with pytest.raises(SystemExit) as stop:
        app.main(["toolchain"])
    assert stop.value.code == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (["storm", "--short"], SystemExit(130), ""),  # its own last line tells the counts
        (["storm", "--short"], KeyboardInterrupt(), "interrupted\n"),
        (["up"], SystemExit(130), "interrupted; the same command goes on from here\n"),
        (["up"], KeyboardInterrupt(), "interrupted; the same command goes on from here\n"),
    ],
)
def test_what_measures_does_not_go_on_where_it_was_interrupted(
    words: list[str],
    error: BaseException,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(_: list[str]) -> None:
        raise error

    monkeypatch.setattr("onair.cli.app._run", interrupted)
    with pytest.raises(SystemExit) as stopped:
        app.main(words)
    assert stopped.value.code == 130
    assert capsys.readouterr().err == told
