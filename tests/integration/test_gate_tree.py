"""The working tree and a commit read alike; whatever a file holds, it is told and nothing crashes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import findings_of

from onair.adapters.gate import tree

pytestmark = pytest.mark.integration


def write(root: Path, path: str, content: bytes | str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def git(root: Path, *words: str) -> None:
    who = {f"GIT_{role}_{part}": "a@b" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, env={**os.environ, **who})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    write(tmp_path, "clusters/kr/a.yaml", "kind: A\n")
    write(tmp_path, "apps/web/src/web/page.html", b"\xff\0")
    write(tmp_path, "docs/x.md", "\r\n")
    write(tmp_path, ".gitignore", "*.log\n")
    write(tmp_path, "apps/x.log", "no\n")
    return tmp_path


def committed(root: Path) -> tree.Tree:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=x")
    return tree.at(root, "HEAD")


def link(target: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / "clusters/kr/link").symlink_to(target)

    return make


def content(raw: bytes) -> Callable[[Path], None]:
    return lambda root: void(write(root, "clusters/kr/b.yaml", raw))


def void(_: object) -> None:
    """Drop a result."""


@pytest.mark.parametrize(
    ("spoil", "rule", "line", "text"),
    [
        (content(b"a: 1\nb: \xff\n"), "tree/not-utf8", 2, "a: 1\nb: \ufffd\n"),
        (content(b"\x7fELF\0\xff"), "tree/not-utf8", 1, None),
        (content(b"a: 1\r\nb: 2\r\n"), "tree/crlf", 1, "a: 1\r\nb: 2\r\n"),
        (content(b"\xef\xbb\xbfa: 1\n"), "tree/bom", 1, "a: 1\n"),
        (content(b"#" * (tree.TOO_LARGE_BYTES + 1)), "tree/too-large", None, None),
        (link("/etc/passwd"), "tree/symlink-out", None, None),
        (link("../../../outside"), "tree/symlink-out", None, None),
    ],
)
def test_a_spoilt_file_is_one_finding(
    spoil: Callable[[Path], None], rule: str, line: int | None, text: str | None, repository: Path
) -> None:
    spoil(repository)
    for found in (tree.read(repository), committed(repository)):
        (finding,) = found.findings
        assert (finding.rule, finding.line) == (rule, line)
        assert finding.file in ("clusters/kr/b.yaml", "clusters/kr/link")
        assert finding.mend
        assert found.files.get("clusters/kr/b.yaml") == text
        assert found.files["clusters/kr/a.yaml"] == "kind: A\n"


def test_working_tree_and_commit_read_alike(repository: Path) -> None:
    link("a.yaml")(repository)
    (repository / "clusters/us").symlink_to("kr")
    read = tree.read(repository)
    assert read == committed(repository)
    assert read.findings == []
    assert sorted(read.files) == [f"clusters/{name}" for name in ("kr/a.yaml", "kr/link", "us/a.yaml", "us/link")]
    assert set(read.files.values()) == {"kind: A\n"}


@pytest.mark.parametrize("target", ["link", "..", "../kr/link"])
def test_a_link_without_an_end_ends(target: str, repository: Path) -> None:
    link(target)(repository)
    assert "clusters/kr/a.yaml" in tree.read(repository).files


def test_what_is_deleted_new_or_has_a_strange_name(repository: Path) -> None:
    committed(repository)
    (repository / "clusters/kr/a.yaml").unlink()
    write(repository, "clusters/kr/ü b.yaml", "kind: B\n")
    write(repository, "clusters/kr/\x07.yaml", "kind: C\n")
    found = tree.read(repository)
    assert list(found.files) == ["clusters/kr/ü b.yaml"]
    assert [each.rule for each in found.findings] == ["tree/not-utf8"]


def test_a_folder_that_is_not_under_git_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path, "clusters/kr/a.yaml", "kind: A\n")
    write(tmp_path, "clusters/kr/.hidden/a.yaml", "kind: A\n")
    write(tmp_path, "apps/web/tests/x.py", "x\n")
    (tmp_path / "clusters/us").symlink_to("kr")
    assert sorted(tree.read(tmp_path).files) == ["clusters/kr/a.yaml", "clusters/us/a.yaml"]


def test_a_commit_that_is_not_there_is_told(repository: Path) -> None:
    (finding,) = findings_of(lambda: tree.at(repository, "no-such-ref"))
    assert finding.rule == "tree/git"
    assert finding.mend


def test_a_commit_takes_what_was_read_before_and_reads_the_rest(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository, "clusters/kr/b.yaml", "\N{BYTE ORDER MARK}kind: B\n")
    write(repository, "clusters/kr/target", "a.yaml")
    link("a.yaml")(repository)  # its blob is that of a file which holds the same bytes
    whole = committed(repository)
    write(repository, "clusters/kr/a.yaml", "kind: Changed\n")
    listing = tree.listed(repository)
    known = tree.texts_by_blob(tree.read(repository, listing=listing).files, listing)
    asked: list[str] = []
    contents_of = tree.git_read.contents_of
    monkeypatch.setattr(
        tree.git_read, "contents_of", lambda root, ids: contents_of(root, [asked.append(each) or each for each in ids])
    )
    assert tree.at(repository, "HEAD", texts=known).files == whole.files
    assert whole.files["clusters/kr/link"] == "kind: A\n"
    assert len(asked) == 2, "the changed file and the link"
