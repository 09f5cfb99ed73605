"""The report as JSON: everything it knows, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict

from onair.core.report.model import Report, ordered


def render(report: Report) -> str:
    """Return the report as JSON; a finding's keys are those of :class:`onair.core.finding.Finding`."""
    content = {
        "version": report.version,
        "base": report.base,
        "seconds": round(report.seconds, 3),
        "checked": asdict(report.checked),
        "errors": report.errors,
        "warnings": report.warnings,
        "findings": [asdict(finding) for finding in ordered(report.findings)],
        "change": report.change,
    }
    return json.dumps(content, indent=1, ensure_ascii=False)
