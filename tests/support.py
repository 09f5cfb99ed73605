"""Helpers of several tests."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from onair.adapters import mirrors, toolchain
from onair.core.finding import Finding, OnairError
from onair.core.paths import Paths
from onair.core.progress import Silent


def findings_of(action: Callable[[], object]) -> tuple[Finding, ...]:
    """Run ``action``, which must fail, and return what it found."""
    with pytest.raises(OnairError) as caught:
        action()
    return caught.value.findings


class Recorder(Silent):
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []

    def step(self, name: str, total: int | None = None) -> Silent:
        self.steps.append(name)
        return Silent()

    def note(self, text: str) -> None:
        self.notes.append(text)


@cache
def offline_kustomize(root: Path) -> tuple[Path, dict[str, str]]:
    """Return the pinned kustomize and the environment in which it builds remote bases without the internet."""
    folder = Paths.of().cache
    environment = mirrors.git_environment(root, mirrors.ensure(root, folder, Silent()))
    return toolchain.ensure(root, folder, Silent(), only=["kustomize"]).path("kustomize"), environment
