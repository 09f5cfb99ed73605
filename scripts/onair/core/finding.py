"""A failure as data: what is wrong, where, why it matters and how to mend it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, complete enough to be mended without further questions.

    Attributes
    ----------
    rule
        Stable identifier, ``area/name``, e.g. ``facts/overlap``.
    what
        The fault itself, with the offending value.
    why
        The consequence or the rule's reason; empty where ``what`` says it all.
    mend
        A command or an edit that removes the fault.
    file, line
        Where it is (path as the user would type it; lines count from 1).
    severity
        ``error`` stops, ``warning`` is shown and work goes on.
    """

    rule: str
    what: str
    why: str = ""
    mend: str = ""
    file: str | None = None
    line: int | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def where(self) -> str:
        """``file:line``, ``file`` or an empty string."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"


class OnairError(Exception):
    """Work could not go on; carries the findings that say why (exit code 2)."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{f.where}: {f.what}" if f.where else f.what for f in findings))


def errors(findings: list[Finding]) -> list[Finding]:
    """Return only the findings that stop work."""
    return [finding for finding in findings if finding.severity == "error"]
