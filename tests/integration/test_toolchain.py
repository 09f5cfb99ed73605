import hashlib
import json
import os
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Recorder, findings_of

from onair.adapters import build_cache, go, toolchain
from onair.core.progress import Silent

pytestmark = pytest.mark.integration

MODULE, VERSION = "example.com/tiny", "v1.2.3"
SOURCE = 'package main\n\nvar version = "none"\n\nfunc main() { println("tiny", version) }\n'


@pytest.fixture(scope="session")
def go_root(root: Path) -> Path:
    """The pinned Go itself: its standard library is compiled already where the toolchain was built."""
    (pinned, *_) = toolchain.load(root).values()
    environment = {**os.environ, **pinned.environment}
    done = subprocess.run(["go", "env", "GOROOT"], env=environment, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.fixture
def tiny(root: Path, tmp_path: Path, go_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one tool, whose module is served from a folder."""
    (pinned, *_) = toolchain.load(root).values()
    served = tmp_path / "proxy" / MODULE / "@v"
    served.mkdir(parents=True)
    with zipfile.ZipFile(served / f"{VERSION}.zip", "w") as archive:
        archive.writestr(f"{MODULE}@{VERSION}/go.mod", f"module {MODULE}\n")
        archive.writestr(f"{MODULE}@{VERSION}/main.go", SOURCE)
    (served / f"{VERSION}.mod").write_text(f"module {MODULE}\n")
    (served / f"{VERSION}.info").write_text(json.dumps({"Version": VERSION}))
    (served / "list").write_text(f"{VERSION}\n")
    folder = tmp_path / "house" / toolchain.FOLDER / "tiny"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(
        f"module onair.dev/tiny\n\ngo {pinned.mod.go}\n\ntool {MODULE}\n\nrequire {MODULE} {VERSION} // indirect\n"
    )
    recipe = f'tiny: {{module: {MODULE}, binaries: {{tiny: {MODULE}}}, stamps: {{main.version: "{{version}}"}}}}\n'
    (tmp_path / "house" / toolchain.DATA).write_text(recipe)
    settings = {
        "GOPROXY": (tmp_path / "proxy").as_uri(),
        "GOSUMDB": "off",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOFLAGS": "-modcacherw",
        "PATH": f"{go_root}/bin:{os.environ['PATH']}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    subprocess.run(["go", "mod", "tidy"], cwd=folder, check=True, capture_output=True)
    return tmp_path / "house"


def entry(found: toolchain.Toolchain) -> Path:
    return found.path("tiny").parent


def test_builds_once_stamps_the_version_and_is_quick_then(tiny: Path, tmp_path: Path, recorder: Recorder) -> None:
    found = toolchain.ensure(tiny, tmp_path / "cache", recorder)
    said = subprocess.run([found.path("tiny")], capture_output=True, text=True, check=True).stderr
    assert said == "tiny 1.2.3\n"
    assert found.version("tiny") == "1.2.3"
    assert recorder.steps == ["tiny 1.2.3: modules", "tiny 1.2.3: build"]
    began = time.monotonic()
    assert toolchain.ensure(tiny, tmp_path / "cache", recorder).binaries == found.binaries
    assert time.monotonic() - began < 1.0
    assert len(recorder.steps) == 2, "the second run builds nothing"
    assert [path.name for path in entry(found).parent.iterdir()] == [entry(found).name]


def truncate(file: Path) -> None:
    with file.open("r+b") as content:
        content.truncate(100)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def flip_and_hide(file: Path) -> None:
    before = file.stat()
    flip(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def spoil_manifest(file: Path) -> None:
    (file.parent / build_cache.MANIFEST).write_text("{")


@pytest.mark.parametrize(
    ("harm", "verify", "words"),
    [
        (truncate, False, "tiny has 100 bytes"),
        (Path.unlink, False, "tiny is missing"),
        (flip, False, "tiny differs from its SHA-256"),
        (flip_and_hide, True, "tiny differs from its SHA-256"),
        (spoil_manifest, False, "manifest.json is unreadable"),
    ],
)
def test_a_damaged_entry_is_named_and_rebuilt(
    tiny: Path, tmp_path: Path, recorder: Recorder, harm: Callable[[Path], None], verify: bool, words: str
) -> None:
    found = toolchain.ensure(tiny, tmp_path / "cache", Silent())
    whole = hashlib.sha256(found.path("tiny").read_bytes()).hexdigest()
    harm(found.path("tiny"))
    toolchain.ensure(tiny, tmp_path / "cache", recorder, verify=verify)
    assert len(recorder.notes) == 1
    assert words in recorder.notes[0]
    assert hashlib.sha256(found.path("tiny").read_bytes()).hexdigest() == whole, "builds are reproducible"


def test_a_copied_cache_is_whole(tiny: Path, tmp_path: Path, recorder: Recorder) -> None:
    found = toolchain.ensure(tiny, tmp_path / "cache", Silent())
    os.utime(found.path("tiny"))
    toolchain.ensure(tiny, tmp_path / "cache", recorder)
    assert recorder.steps == []


def test_no_network_is_told_with_the_tools_name(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("GOPROXY", "off")
    (found,) = findings_of(lambda: toolchain.ensure(tiny, tmp_path / "cache", Silent()))
    assert found.rule == "toolchain/module"
    assert found.what.startswith("tiny: ")
    assert MODULE in found.what
    assert "GOPROXY" in found.mend


def test_a_failed_or_interrupted_build_leaves_nothing_half(tiny: Path, tmp_path: Path) -> None:
    class Interrupted(Silent):
        def note(self, text: str) -> None:
            if text.startswith("tiny (1/1)"):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toolchain.ensure(tiny, tmp_path / "cache", Interrupted())
    data = tiny / toolchain.DATA
    data.write_text(data.read_text().replace(f"tiny: {MODULE}}}", f"tiny: {MODULE}/none}}"))
    (found,) = findings_of(lambda: toolchain.ensure(tiny, tmp_path / "cache", Silent()))
    assert found.what.startswith("tiny: ")
    assert list((tmp_path / "cache" / "bin" / "tiny").iterdir()) == []


def test_an_error_is_told_though_hundreds_of_packages_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "go"
    said = "echo '# example.com/broken'; echo 'main.go:3:2: undefined: x'; seq -f 'example.com/fine%g' 500; exit 1"
    program.write_text(f"#!/bin/sh\n{said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (found,) = findings_of(lambda: go.watch(tmp_path, {}, ["build"], "tiny", lambda _: None))
    assert found.what == "tiny: # example.com/broken\nmain.go:3:2: undefined: x"


def test_two_runs_wait_for_each_other(tmp_path: Path, recorder: Recorder) -> None:
    lock, entered = tmp_path / "lock", threading.Event()

    def second() -> None:
        with build_cache.locked(lock, recorder):
            entered.set()

    with build_cache.locked(lock, Silent()):
        other = threading.Thread(target=second)
        other.start()
        assert not entered.wait(0.5)
    other.join(5)
    assert entered.is_set()
    assert recorder.steps == [f"waiting for the build of process {os.getpid()}"]


def test_an_unknown_tool_lists_the_known(tiny: Path, tmp_path: Path) -> None:
    (found,) = findings_of(lambda: toolchain.ensure(tiny, tmp_path, Silent(), only=["nope"]))
    assert "nope" in found.what
    assert "tiny" in found.mend


def test_the_wheels_envoy_runs(tiny: Path, tmp_path: Path) -> None:
    found = toolchain.ensure(tiny, tmp_path / "cache", Silent())
    said = subprocess.run([found.path("envoy"), "--version"], capture_output=True, text=True, check=True).stdout
    assert found.version("envoy") in said
