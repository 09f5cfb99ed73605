"""Secrets in git: what a scanner found, less what a person has judged to be none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from onair.core.change.data import Envelope, Strict
from onair.core.change.hit import ALLOWED, HASH_DIGITS, Hit
from onair.core.finding import Finding

WHY = "whoever can read the repository, or ever cloned it, has it; removing the line does not take it back"


class Allowance(Strict, frozen=True):
    """A value that looks like a secret and is none, in one file."""

    hash: Annotated[str, Meta(pattern=rf"^[0-9a-f]{{{HASH_DIGITS}}}$")]
    file: str
    reason: Annotated[str, Meta(min_length=1)]


class Allowed(Envelope, frozen=True):
    """``clusters/platform/allowed-secrets.yaml``."""

    kind: Literal["AllowedSecrets"]
    spec: tuple[Allowance, ...]


def judge(hits: Iterable[Hit], allowed: Allowed, *, whole: bool) -> list[Finding]:
    """Return a finding for each hit that is not allowed.

    Parameters
    ----------
    whole
        Whether the whole tree was scanned: then an allowance that allows nothing is a finding, too.
    """
    allowances = {(each.file, each.hash) for each in allowed.spec}
    used = set()
    findings = []
    for hit in sorted(set(hits)):
        if (hit.file, hit.hash) in allowances:
            used.add((hit.file, hit.hash))
            continue
        findings.append(_finding(hit))
    if whole:
        findings += [_unused(each) for each in allowed.spec if (each.file, each.hash) not in used]
    return findings


def _finding(hit: Hit) -> Finding:
    added = f", added by commit {hit.commit[:10]}" if hit.commit else ""
    clean = " and rewrite the commit (git rebase -i), which carries it even when a later one removes it"
    return Finding(
        rule="secret/found",
        file=hit.file,
        line=hit.line,
        what=f"looks like a secret: {hit.kind} (hash {hit.hash}){added}",
        why=WHY,
        mend=f"revoke it, take it out{clean if hit.commit else ''}, and name it in clusters/platform/secrets.yaml; "
        f"if it is none: list {{hash: {hit.hash!r}, file: {hit.file}, reason: …}} in {ALLOWED}",
    )


def _unused(allowance: Allowance) -> Finding:
    return Finding(
        rule="secret/unused-allowance",
        file=ALLOWED,
        what=f"{allowance.hash} allows nothing: {allowance.file} holds no such value",
        why="an allowance that outlives its value would let the value in again unseen",
        mend="remove the entry",
    )
