"""The outcome of one check: what was looked at, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onair.core.finding import Finding
from onair.core.gate.model import Rule

CLEAN, FINDINGS = 0, 1
"""Exit codes; 2 is an :class:`~onair.core.finding.OnairError`'s: it could not run."""


@dataclass(frozen=True)
class Counts:
    """How much was looked at, so that a check that saw nothing cannot pass for a clean one.

    Attributes
    ----------
    clusters, applications, objects
        What would be synced, and how much of it was judged.
    by_kind
        Objects of each kind.
    files
        Files of the tree that were read.
    rules
        Rules that were asked, policies included.
    reused
        Applications whose rendering and verdicts came from the cache.
    """

    clusters: int = 0
    applications: int = 0
    objects: int = 0
    by_kind: Mapping[str, int] = field(default_factory=dict)
    files: int = 0
    rules: int = 0
    reused: int = 0

    def __str__(self) -> str:
        """One line for a summary."""
        said = [(self.clusters, "cluster"), (self.applications, "application"), (self.objects, "object")]
        said += [(self.files, "file"), (self.rules, "rule")]
        return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in said)


@dataclass(frozen=True)
class Report:
    """What one run of the gate found.

    Attributes
    ----------
    checked
        What was looked at.
    findings
        What is wrong, in the order of :func:`ordered`.
    seconds
        Wall time of the run.
    rules
        The rules by id, where their reasons are known: formats that describe rules take them from here.
    version
        The tool's version.
    base
        The commit that the tree was compared with; None where it was checked alone.
    change
        The rendered change against ``base`` as Markdown; empty where there is none or it was not asked for.
    """

    checked: Counts
    findings: Sequence[Finding] = ()
    seconds: float = 0.0
    rules: Mapping[str, Rule] = field(default_factory=dict)
    version: str = "0"
    base: str | None = None
    change: str = ""

    @property
    def errors(self) -> int:
        """How many findings stop work."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are shown only."""
        return len(self.findings) - self.errors

    @property
    def exit_code(self) -> int:
        """0 where nothing stops work, 1 otherwise."""
        return FINDINGS if self.errors else CLEAN

    @property
    def by_rule(self) -> dict[str, int]:
        """Findings of each rule, the most frequent first."""
        return dict(Counter(finding.rule for finding in self.findings).most_common())


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Return each finding once: errors first, then by file, line, rule and text."""

    def key(finding: Finding) -> tuple[bool, str, int, str, str]:
        return finding.severity != "error", finding.file or "", finding.line or 0, finding.rule, finding.what

    return sorted(dict.fromkeys(findings), key=key)
