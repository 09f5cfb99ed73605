"""The platform for all end-to-end tests: started once from a newcomer's fresh clone, taken down by the last file.

Files run in the order of their names. ``test_0`` needs a machine where nothing runs, ``test_9`` compares the machine
after ``onair down`` with the snapshot taken before ``up``.

Settings (environment)
    ONAIR_E2E_KEEP=1  use the platform that runs here already, with a clone of what its regions serve, and leave it
                      running: tests that need a machine at rest, or that start everything anew, are skipped.
    ONAIR_RELEASE_RATE=35  rehearse a release at 105 requests a second, 21,000 in all (default: 5 gives 15 and 3,000).
    ONAIR_SHOTS       folder of the screenshots (default: build/screenshots).
The log of a run is build/e2e.log.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e import machine_state
from e2e.browser import launch
from e2e.clone import Clone
from e2e.shop import Shop
from playwright.sync_api import Browser, sync_playwright

from onair.adapters.facts_file import read
from onair.adapters.local import cgroups
from onair.adapters.local.git import BRANCH, REMOTE
from onair.adapters.local.platform import PLATFORM, LocalPlatform
from onair.core.paths import Paths

KEEP = os.environ.get("ONAIR_E2E_KEEP") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here ``e2e``."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def keep() -> bool:
    """Whether the platform is somebody's, and must be left running."""
    return KEEP


@pytest.fixture
def disposable() -> None:
    """Skip a test that a platform which is to be kept cannot bear."""
    if KEEP:
        pytest.skip("ONAIR_E2E_KEEP: the platform stays as it is")


@pytest.fixture(scope="session")
def say(root: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Write a line to the terminal and to build/e2e.log at once, captured or not."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    began = time.monotonic()
    (root / "build").mkdir(exist_ok=True)
    with (root / "build/e2e.log").open("w", encoding="utf-8") as log:

        def line(text: str) -> None:
            stamped = f"{time.monotonic() - began:7.1f} s  {text}"
            print(stamped, file=log, flush=True)
            with capture.global_and_fixture_disabled():
                print(f"\n{stamped}", end="", flush=True)

        yield line


@pytest.fixture(scope="session")
def before() -> machine_state.State:
    """The machine before anything was started."""
    if KEEP:
        return {}
    assert not cgroups.processes(), "a platform runs here: onair down, or ONAIR_E2E_KEEP=1 to test that one"
    return machine_state.take(Paths.of())


@pytest.fixture(scope="session")
def newcomer(root: Path, before: machine_state.State, say: Callable[[str], None]) -> Iterator[Clone]:
    """A fresh clone of this repository's HEAD, or of what the running regions serve; readable by everybody."""
    folder = Path(tempfile.mkdtemp(prefix="onair-e2e-"))
    folder.chmod(0o755)
    clone = Clone(folder / "onair", say)
    subprocess.run(["git", "clone", "--quiet", str(root), str(clone.path)], check=True)
    if KEEP:
        clone.git("remote", "add", REMOTE, str(read(root).platform.spec.git.local))
        clone.git("fetch", "--quiet", REMOTE)
        clone.git("reset", "--quiet", "--hard", f"{REMOTE}/{BRANCH}")
    yield clone
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shop(newcomer: Clone) -> Iterator[Shop]:
    """The platform, up."""
    if not KEEP:
        head = newcomer.git("rev-parse", "HEAD")
        done = newcomer.onair("up")
        if done.code:
            newcomer.onair("status")
            pytest.exit(f"onair up ended with {done.code}: see build/e2e.log; `onair down` takes away what is left", 1)
        assert newcomer.git("rev-parse", "HEAD") == head, "up moved the newcomer's branch"
        assert newcomer.git("status", "--porcelain") == "", "up changed the newcomer's files"
        assert set(newcomer.git("remote").split()) == {"origin", REMOTE}
    running = Shop(newcomer.path, newcomer.say, LocalPlatform.open(newcomer.path))
    running.settled()
    yield running
    if not KEEP and cgroups.processes():  # a selection of tests, or an interruption: test_9 did not run
        newcomer.onair("down")


@pytest.fixture(scope="module")
def browser(shop: Shop) -> Iterator[Browser]:
    """Headless Chromium, which trusts the edge's certificate."""
    with sync_playwright() as playwright:
        chromium = launch(playwright, shop.local.paths.pki(PLATFORM) / "edge.crt")
        yield chromium
        chromium.close()
