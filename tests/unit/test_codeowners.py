"""Every path has an owner, and what reaches production has two."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".github/CODEOWNERS"
LINES = [line.split() for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
PRODUCTION = re.compile(
    r"(\.github|infrastructure|policies|terraform|clusters/(platform|prod-[^/]+)|apps/[^/]+/base|apps/components)/"
)


def tracked() -> list[str]:
    """Files of the repository, new ones included, ignored ones not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for path in listed if (ROOT / path).exists()]


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern takes a path, as GitHub reads it: anchored, `*` within a folder, a folder takes all below."""
    assert pattern.startswith("/"), "anchored patterns only: others match at every depth"
    assert not re.search(r"[\[\]!?]|\*\*", pattern), "GitHub does not know these, or this test does not"
    expression = "[^/]*".join(re.escape(part) for part in pattern.strip("/").split("*"))
    return re.fullmatch(f"{expression}{'/.*' if pattern.endswith('/') else ''}", path) is not None


def owners(path: str) -> list[str]:
    found: list[str] = []
    for pattern, *teams in LINES:
        found = teams if matches(pattern, path) else found
    return found


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/apps/", "apps/web/base/a.yaml", True),
        ("/apps/", "docs/apps/a.yaml", False),
        ("/apps/*/base/", "apps/web/base/a.yaml", True),
        ("/apps/*/base/", "apps/web/src/base/a.yaml", False),
        ("/clusters/prod-*/", "clusters/prod-kr/apps/web/kustomization.yaml", True),
        ("/clusters/prod-*/", "clusters/local-kr/facts/cluster.yaml", False),
        ("/Makefile", "Makefile", True),
        ("/Makefile", "Makefile.bak", False),
    ],
)
def test_patterns_are_read_as_github_reads_them(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_every_path_has_an_owner() -> None:
    assert [path for path in tracked() if not owners(path)] == []


def test_what_reaches_production_has_two_owners() -> None:
    production = [path for path in tracked() if PRODUCTION.match(path)]
    assert production
    assert [path for path in production if len(set(owners(path))) < 2] == []


def test_owners_are_teams_and_no_line_is_idle() -> None:
    paths = tracked()
    for pattern, *teams in LINES:
        assert teams, f"{pattern} has no owner: GitHub would ask nobody"
        assert all(re.fullmatch(r"@onair-live/[a-z-]+", team) for team in teams)
        assert any(matches(pattern, path) for path in paths), f"{pattern} matches nothing"
    assert len({pattern for pattern, *_ in LINES}) == len(LINES)


def test_no_line_owns_everything() -> None:
    assert not {pattern for pattern, *_ in LINES} & {"*", "/*", "/**", "/"}
