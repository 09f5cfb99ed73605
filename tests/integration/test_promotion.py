"""Promotion and rollback as commits: one leaf's digest, where it comes from, and nothing else."""

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from change_world import KR, NEW, NOW, OLD, OTHER, US, leaf_text
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.local import git
from onair.adapters.promotion import promote, take_back
from onair.cli.app import main
from onair.core.change.promotion import DELIVERY
from onair.core.leaf import Leaf, digest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
FACTS = facts_file.read(ROOT)
LOCAL = Leaf("local-kr", "web")
Commit = Callable[..., str]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@onair.test")
    git.run(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / DELIVERY).parent.mkdir(parents=True)
    (tmp_path / DELIVERY).write_text((ROOT / DELIVERY).read_text())
    return tmp_path


@pytest.fixture
def commit(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Commit:
    """Commit digests of leaves so many hours before now."""

    def make(hours: float, pins: dict[Leaf, str]) -> str:
        for leaf, pinned in pins.items():
            (clone / leaf.path).parent.mkdir(parents=True, exist_ok=True)
            (clone / leaf.path).write_text(leaf_text(pinned))
        monkeypatch.setenv("GIT_COMMITTER_DATE", (NOW - timedelta(hours=hours)).isoformat())
        git.run(clone, "add", ".")
        git.run(clone, "commit", "--quiet", "-m", f"{hours} hours ago")
        return git.run(clone, "rev-parse", "HEAD")

    return make


def changed(clone: Path, before: str) -> list[str]:
    return git.run(clone, "diff", "--name-only", before, "HEAD").splitlines()


def test_what_has_soaked_goes_to_the_next_region(clone: Path, commit: Commit) -> None:
    commit(100, {KR: OLD, US: OLD})
    before = commit(30, {KR: NEW})
    made = promote(clone, FACTS, "web", "prod-us", NOW)
    assert (made.leaf, made.digest, made.commit) == (US, NEW, git.run(clone, "rev-parse", "HEAD"))
    assert changed(clone, before) == [US.path]
    assert digest(US, (clone / US.path).read_text()) == NEW
    since = (NOW - timedelta(hours=30)).astimezone(UTC).isoformat(timespec="minutes")
    assert git.run(clone, "log", "-1", "--format=%B").splitlines() == [
        "Promote web to prod-us",
        "",
        f"Image: {NEW}",
        f"Before: {OLD}",
        f"From: prod-kr, which has held it since {since}",
    ]
    assert promote(clone, FACTS, "web", "prod-us", NOW).commit is None
    assert changed(clone, before) == [US.path]


def test_what_has_not_soaked_is_refused_and_nothing_is_committed(clone: Path, commit: Commit) -> None:
    commit(100, {KR: OLD, US: OLD})
    before = commit(3, {KR: NEW})
    (one,) = findings_of(lambda: promote(clone, FACTS, "web", "prod-us", NOW))
    assert (one.rule, one.file) == ("promotion/soak", US.path)
    assert git.run(clone, "rev-parse", "HEAD") == before


@pytest.mark.parametrize(
    ("service", "cluster", "rule"),
    [
        ("web", "prod-kr", "promotion/first"),
        ("web", "local-kr", "promotion/first"),
        ("web", "prod-mars", "facts/unknown-cluster"),
        ("nothing", "prod-us", "release/no-leaf"),
    ],
)
def test_names_that_make_no_promotion(clone: Path, commit: Commit, service: str, cluster: str, rule: str) -> None:
    commit(100, {KR: OLD, US: OLD, LOCAL: OLD})
    (one,) = findings_of(lambda: promote(clone, FACTS, service, cluster, NOW))
    assert one.rule == rule
    assert one.mend


def test_a_cluster_goes_back_to_what_it_held_and_not_to_the_fault(clone: Path, commit: Commit) -> None:
    commit(100, {US: OTHER, KR: OLD})
    commit(50, {US: OLD})
    before = commit(30, {US: NEW})
    made = take_back(clone, FACTS, "web", "prod-us")
    assert made.digest == OLD
    assert changed(clone, before) == [US.path]
    subject, _, image, was, source = git.run(clone, "log", "-1", "--format=%B").splitlines()
    assert (subject, image, was) == ("Roll back web on prod-us", f"Image: {OLD}", f"Before: {NEW}")
    assert source.startswith("From: its own past, held from ")
    assert take_back(clone, FACTS, "web", "prod-us").digest == OTHER
    assert take_back(clone, FACTS, "web", "prod-us", NEW[:12]).digest == NEW
    (one,) = findings_of(lambda: take_back(clone, FACTS, "web", "prod-kr"))
    assert one.rule == "rollback/nothing"


def test_an_uncommitted_leaf_is_neither_lost_nor_committed(clone: Path, commit: Commit) -> None:
    commit(100, {US: OTHER})
    before = commit(50, {US: OLD})
    (clone / US.path).write_text("being edited\n")
    (one,) = findings_of(lambda: take_back(clone, FACTS, "web", "prod-us"))
    assert one.rule == "release/uncommitted"
    assert (clone / US.path).read_text() == "being edited\n"
    assert git.run(clone, "rev-parse", "HEAD") == before


def test_a_local_cluster_goes_back_to_what_the_regions_ran(
    clone: Path, commit: Commit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    served = tmp_path_factory.mktemp("hub") / "served.git"
    commit(9, {LOCAL: OTHER})
    git.run(clone, "init", "--quiet", "--bare", "--initial-branch=main", str(served))
    git.ensure_remote(clone, str(served))
    commit(5, {LOCAL: OLD})
    commit(1, {LOCAL: NEW})
    git.push(clone, "HEAD")
    git.run(clone, "reset", "--quiet", "--hard", "HEAD~2")  # a clone that has not fetched since
    made = take_back(clone, FACTS, "web", "local-kr")
    assert made.digest == OLD
    assert digest(LOCAL, (clone / LOCAL.path).read_text()) == OLD
    git.push(clone, "HEAD")  # nothing of the regions' is left behind


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["promote", "web", "--to", "prod-mars"], "there is no cluster 'prod-mars'"),
        (["promote", "web", "--to", "prod-kr"], "the order of promotion has prod-us only"),
        (["rollback", "nothing", "--on", "prod-us"], "prod-us does not run nothing"),
        (["rollback", "web", "--on", "prod-us", "--image", "f00"], "no digest of web that begins with f00"),
    ],
)
def test_the_command_line_refuses_in_one_message(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git.run(ROOT, "rev-parse", "HEAD")
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err
    assert git.run(ROOT, "rev-parse", "HEAD") == before
