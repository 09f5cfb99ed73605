"""Findings as annotations of GitHub Actions.

A workflow command is one line, ``::error file=…,line=…,title=…::message``; what would end the line or a value early is
percent-encoded (https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands and the function
``escapeProperty`` of actions/toolkit).
"""

from __future__ import annotations

from onair.core.finding import Finding
from onair.core.report.model import Report, ordered

SHOWN = 10
"""GitHub shows this many annotations of a kind for a step; the log has them all."""


def render(report: Report) -> str:
    """Return one workflow command a finding, then a line for the log."""
    findings = ordered(report.findings)
    lines = [_command(finding) for finding in findings]
    verdict = f"{report.errors} errors, {report.warnings} warnings" if findings else "clean"
    lines.append(f"onair check: {verdict}; {report.checked} in {report.seconds:.1f} s")
    if max(report.errors, report.warnings) > SHOWN:
        lines.append(f"GitHub annotates {SHOWN} of a kind; this log has all of them")
    return "\n".join(lines)


def _command(finding: Finding) -> str:
    properties = {"title": finding.rule}
    if finding.file is not None:
        properties = {"file": finding.file, **({"line": str(finding.line)} if finding.line else {}), **properties}
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    parts = [finding.what, finding.why and f"why: {finding.why}", finding.mend and f"mend: {finding.mend}"]
    return f"::{finding.severity} {shown}::{_data(chr(10).join(part for part in parts if part))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
