"""Commits beside the working tree: what a person is editing is never touched or lost."""

from pathlib import Path
from typing import NamedTuple

import pytest
from support import findings_of

from onair.adapters.git_commit import commit_files, join, move_head
from onair.adapters.local import git

pytestmark = pytest.mark.integration
LEAF, OTHER = "clusters/local-kr/apps/web/kustomization.yaml", "apps/web/src/web/words.py"


class Desk(NamedTuple):
    """A person's clone and the repository that the regions follow."""

    clone: Path
    served: Path

    def git(self, *words: str) -> str:
        return git.run(self.clone, *words)

    def write(self, path: str, text: str) -> None:
        file = self.clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, path: str, text: str) -> str:
        self.write(path, text)
        self.git("add", path)
        self.git("commit", "--quiet", "-m", f"{path}: {text}")
        return self.git("rev-parse", "HEAD")

    def release(self, text: str) -> str:
        """Do as ``onair release`` does: join, change the leaf, move the branch."""
        parents, tree = join(self.clone)
        commit = commit_files(self.clone, parents, tree, {LEAF: text}, "Release")
        move_head(self.clone, commit, "onair release web")
        return commit


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A clone with two files, pushed to the served repository."""
    made = Desk(tmp_path / "clone", tmp_path / "served.git")
    made.clone.mkdir()
    git.ensure_repository(made.served, {}, ["true"])
    (made.served / "hooks/post-receive").unlink()  # there is no Argo CD to tell
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("config", "user.name", "Somebody")
    made.git("config", "user.email", "somebody@onair.test")
    git.ensure_remote(made.clone, str(made.served))
    made.commit(LEAF, "digest: old\n")
    made.commit(OTHER, "hello\n")
    git.push(made.clone, "HEAD")
    return made


def elsewhere(desk: Desk, path: str, text: str) -> str:
    """Let somebody else push a commit to the regions; the clone does not know it."""
    base = desk.git("rev-parse", "regions/main")
    commit = commit_files(desk.clone, [base], base, {path: text}, "Somebody else's")
    git.push(desk.clone, commit)
    desk.git("update-ref", "refs/remotes/regions/main", base)
    return commit


def test_a_release_commits_the_leaf_and_leaves_every_edit_alone(desk: Desk) -> None:
    desk.write(OTHER, "half an edit\n")
    desk.write("notes.txt", "mine\n")
    desk.write("staged.txt", "staged\n")
    desk.git("add", "staged.txt")
    head = desk.git("rev-parse", "HEAD")
    commit = desk.release("digest: new\n")
    assert desk.git("rev-parse", "main", "HEAD~1").split() == [commit, head], "one commit on the same branch"
    assert (desk.clone / LEAF).read_text() == "digest: new\n"
    assert desk.git("show", "--name-only", "--format=", "HEAD") == LEAF
    assert (desk.clone / OTHER).read_text() == "half an edit\n"
    assert sorted(desk.git("status", "--porcelain").splitlines()) == [f" M {OTHER}", "?? notes.txt", "A  staged.txt"]


def test_a_release_never_overwrites_an_edited_leaf(desk: Desk) -> None:
    desk.write(LEAF, "digest: mine\n")
    head = desk.git("rev-parse", "HEAD")
    (found,) = findings_of(lambda: desk.release("digest: new\n"))
    assert found.rule == "release/uncommitted"
    assert "stash" in found.mend
    assert (desk.clone / LEAF).read_text() == "digest: mine\n"
    assert desk.git("rev-parse", "HEAD") == head
    assert desk.git("status", "--porcelain") == f" M {LEAF}"


def test_what_the_regions_have_more_is_taken_along(desk: Desk) -> None:
    theirs = elsewhere(desk, OTHER, "pinned\n")
    commit = desk.release("digest: new\n")
    assert desk.git("rev-parse", f"{commit}~1") == theirs, "behind: fast-forward, no merge"
    assert (desk.clone / OTHER).read_text() == "pinned\n"
    git.push(desk.clone, commit)


def test_two_lines_of_work_are_joined_by_a_merge(desk: Desk) -> None:
    theirs = elsewhere(desk, OTHER, "pinned\n")
    mine = desk.commit("README.md", "new\n")
    commit = desk.release("digest: new\n")
    assert desk.git("rev-parse", f"{commit}^1", f"{commit}^2").split() == [mine, theirs]
    assert (desk.clone / OTHER).read_text() == "pinned\n"
    assert (desk.clone / "README.md").read_text() == "new\n"
    git.push(desk.clone, commit)


def test_a_conflict_is_told_and_nothing_moves(desk: Desk) -> None:
    elsewhere(desk, OTHER, "theirs\n")
    mine = desk.commit(OTHER, "mine\n")
    (found,) = findings_of(lambda: desk.release("digest: new\n"))
    assert found.rule == "release/conflict"
    assert "git pull" in found.mend
    assert desk.git("rev-parse", "HEAD") == mine
    assert desk.git("status", "--porcelain") == ""


def test_a_clone_that_never_saw_the_regions_can_commit_a_release(desk: Desk) -> None:
    desk.git("remote", "remove", "regions")
    head = desk.git("rev-parse", "HEAD")
    assert join(desk.clone) == ([head], head)


def test_a_push_that_would_lose_commits_is_refused_with_what_mends_it(desk: Desk) -> None:
    elsewhere(desk, OTHER, "theirs\n")
    desk.commit("README.md", "new\n")
    (found,) = findings_of(lambda: git.push(desk.clone, "HEAD"))
    assert found.rule == "git/push"
    assert "git pull --rebase regions main" in found.mend


def test_a_machine_without_a_git_identity_can_release(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.git("config", "--unset", "user.name")
    desk.git("config", "--unset", "user.email")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    commit = desk.release("digest: new\n")
    assert desk.git("show", "--no-patch", "--format=%an", commit) == "onair"


def test_other_remotes_and_a_second_up_change_nothing(desk: Desk) -> None:
    desk.git("remote", "add", "origin", "https://example.org/x.git")
    git.ensure_remote(desk.clone, str(desk.served))
    git.ensure_repository(desk.served, {}, ["true"])
    assert desk.git("remote", "get-url", "origin") == "https://example.org/x.git"
    assert git.has_branch(desk.served)
    git.run(desk.served, "fsck", "--strict")
