"""Secrets: a find is a finding unless a person has said what it is."""

from pathlib import Path
from typing import Any

import yaml
from msgspec import convert

from onair.core.change.data import read
from onair.core.change.hit import ALLOWED, Hit, hash_of
from onair.core.change.secrets import Allowed, judge

HIT = Hit("a.yaml", 3, "Secret Keyword", hash_of("x"))


def allowed(*entries: Any) -> Allowed:
    content = {"apiVersion": "onair.dev/v1", "kind": "AllowedSecrets", "metadata": {"name": "allowed-secrets"}}
    return convert(content | {"spec": list(entries)}, Allowed)


def entry(file: str = "a.yaml", value: str = "x") -> dict[str, str]:
    return {"hash": hash_of(value), "file": file, "reason": "a word"}


def test_a_find_is_told_once_with_its_place_and_what_to_do() -> None:
    (one,) = judge([HIT, HIT], allowed(), whole=True)
    assert (one.rule, one.file, one.line) == ("secret/found", "a.yaml", 3)
    assert "revoke" in one.mend
    assert HIT.hash in one.mend


def test_one_in_a_commit_needs_the_commit_rewritten() -> None:
    (one,) = judge([HIT._replace(commit="c0ffee" * 6)], allowed(), whole=False)
    assert "c0ffeec0ff" in one.what
    assert "rewrite the commit" in one.mend


def test_what_is_allowed_passes_in_its_own_file_alone() -> None:
    assert judge([HIT], allowed(entry()), whole=True) == []
    assert [x.rule for x in judge([HIT], allowed(entry("b.yaml")), whole=False)] == ["secret/found"]


def test_an_allowance_that_allows_nothing_is_a_finding_where_all_was_looked_at() -> None:
    (one,) = judge([], allowed(entry()), whole=True)
    assert (one.rule, one.file) == ("secret/unused-allowance", ALLOWED)
    assert judge([], allowed(entry()), whole=False) == []


def test_an_allowance_needs_its_reason() -> None:
    content = {
        "apiVersion": "onair.dev/v1",
        "kind": "AllowedSecrets",
        "metadata": {},
        "spec": [entry() | {"reason": ""}],
    }
    assert [x.rule for x in read(Allowed, ALLOWED, content)[1]] == ["data/invalid"]


def test_the_repositorys_list_can_be_read(root: Path) -> None:
    assert read(Allowed, ALLOWED, yaml.safe_load((root / ALLOWED).read_text()))[1] == []
