"""Before anything runs: what `up` refuses, each with one clear message, exit code 2, and nothing made."""

from __future__ import annotations

import os
import socket

import pytest
from e2e.clone import Clone, Done

from onair.adapters.facts_file import read
from onair.adapters.local import network
from onair.core.paths import Paths

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
KR = "clusters/local-kr/facts/cluster.yaml"


def refused(done: Done, rule: str, *words: str) -> None:
    """Check that a command stopped with exactly one finding, which says all of ``words`` and how to mend it."""
    assert done.code == 2, f"exit {done.code}, not 2 (could not run): {done.output}"
    findings = [line for line in done.output.splitlines() if line.startswith("error ")]
    assert len(findings) == 1, f"not one message but {len(findings)}: {done.output}"
    assert f"({rule})" in findings[0], f"not {rule}: {done.output}"
    for word in words:
        assert word in done.output, f"{word!r} is not told: {done.output}"
    assert "mend:" in done.output, f"no word on how to mend it: {done.output}"
    assert "Traceback" not in done.output


def nothing_was_made() -> None:
    """Check that no folder or namespace of a platform exists."""
    paths = Paths.of()
    left = [str(folder) for folder in (paths.state, paths.run) if folder.exists()] + network.namespaces()
    assert not left, f"a refused up left {left}"


def test_up_without_root_says_so(newcomer: Clone, disposable: None) -> None:
    refused(newcomer.onair("up", prefix=NOBODY), "preflight/root", "user id 65534", "sudo")
    nothing_was_made()


def test_up_names_the_program_that_holds_its_port(newcomer: Clone, disposable: None) -> None:
    port = read(newcomer.path).platform.spec.edge.platform_port
    with socket.create_server(("127.0.0.1", port)):
        refused(newcomer.onair("up"), "preflight/port", f"port {port} on 127.0.0.1", f"process {os.getpid()}")
    nothing_was_made()


@pytest.mark.parametrize(
    ("old", "new", "rule", "field"),
    [
        ("zones: [kr-a, kr-b]", "zones: kr-a", "facts/list-type", "zones"),
        ("currency: KRW", "curency: KRW", "facts/", "curency"),
        ("services: 10.61.128.0/20", "services: 10.61.64.0/20", "facts/overlap", "10.61.64.0/18"),
    ],
    ids=["wrong type", "unknown key", "overlap"],
)
def test_wrong_facts_are_told_with_file_and_line(newcomer: Clone, old: str, new: str, rule: str, field: str) -> None:
    lines = (newcomer.path / KR).read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if old in line)
    with newcomer.edited(KR, old, new):
        done = newcomer.onair("up")
    assert done.code == 2, done.output
    assert f"{KR}:{number}" in done.output, f"file and line are not told: {done.output}"
    assert rule in done.output
    assert field in done.output
    assert "Traceback" not in done.output
