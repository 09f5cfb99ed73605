"""Work in a copy of the process: its result comes back, and what goes wrong is done again here."""

import os
from pathlib import Path

import pytest
from support import findings_of

from onair.adapters.gate.aside import aside
from onair.core.finding import Finding, OnairError


def test_the_work_is_done_in_another_process_and_its_result_comes_back() -> None:
    waits = [
        aside(lambda number=number: (os.getpid(), Finding(rule="a/b", what="x" * number))) for number in (1, 10**6)
    ]
    (one, small), (other, large) = (wait() for wait in waits)
    assert len({one, other, os.getpid()}) == 3
    assert (len(small.what), len(large.what)) == (1, 10**6)


def test_an_error_is_told_as_if_the_work_were_done_here() -> None:
    def broken() -> None:
        raise OnairError(Finding(rule="a/b", what="broken"))

    wait = aside(broken)
    assert [found.what for found in findings_of(wait)] == ["broken"]


def test_what_cannot_be_handed_over_is_done_here() -> None:
    wait = aside(lambda: (os.getpid(), lambda: None))
    assert wait()[0] == os.getpid()


def test_a_copy_that_is_killed_costs_time_alone() -> None:
    here = os.getpid()

    def work() -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), 9)
        return 7

    assert aside(work)() == 7


def test_where_there_can_be_no_copy_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", full)
    before = len([*Path("/proc/self/fd").iterdir()])
    assert aside(os.getpid)() == os.getpid()
    assert len([*Path("/proc/self/fd").iterdir()]) == before
