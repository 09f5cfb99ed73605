"""Progress that is shown only where somebody waits."""

import io
import time
from collections.abc import Callable

import pytest

from onair.cli.late import LateReporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_waits_sees_the_steps_under_way_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    with LateReporter(screen, seconds=0) as reporter:
        with reporter.step("render", total=3) as step:
            step.advance(2)
            wait(lambda: "render" in screen.getvalue() and "2/3" in screen.getvalue())
            step.advance()
            wait(lambda: "3/3" in screen.getvalue())
        with reporter.step("judge", total=5):
            wait(lambda: "judge" in screen.getvalue())
    left = screen.getvalue().rpartition("judge")[2]
    assert "\x1b[2K" in left, "the last line stays"
    assert "\x1b[?25h" in left, "the cursor stays hidden"


@pytest.mark.parametrize(("screen", "seconds"), [(Terminal(), 60), (io.StringIO(), 0)])
def test_a_quick_check_and_a_log_see_nothing(screen: io.StringIO, seconds: float) -> None:
    with LateReporter(screen, seconds=seconds) as reporter, reporter.step("render", total=1) as step:
        step.advance()
    assert screen.getvalue() == ""
