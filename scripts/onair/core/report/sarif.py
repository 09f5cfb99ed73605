"""The report as SARIF 2.1.0, for code scanning.

Form: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. GitHub wants a location with a line for every
result (https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from onair.core.finding import Finding
from onair.core.gate.model import Rule
from onair.core.report.model import Report, ordered

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
NOWHERE = "README.md"
"""Stands in for the file of a finding about the repository as a whole."""


def render(report: Report) -> str:
    """Return a log with one run."""
    findings = ordered(report.findings)
    ids = sorted({*report.rules, *(finding.rule for finding in findings)})
    positions = {rule: position for position, rule in enumerate(ids)}
    run = {
        "tool": {
            "driver": {
                "name": "onair",
                "version": report.version,
                "informationUri": "https://github.com/onair-live/onair",
                "rules": [_rule(rule, report.rules.get(rule)) for rule in ids],
            }
        },
        "invocations": [{"executionSuccessful": True, "exitCode": report.exit_code}],
        "originalUriBaseIds": {"ROOT": {"description": {"text": "the repository's top folder"}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, positions[finding.rule]) for finding in findings],
        "properties": {"checked": str(report.checked), "seconds": round(report.seconds, 3)},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)


def _rule(rule: str, known: Rule | None) -> dict[str, Any]:
    described: dict[str, Any] = {"id": rule, "shortDescription": {"text": rule.replace("/", ": ").replace("-", " ")}}
    if known is not None:
        described["fullDescription"] = {"text": known.why}
        described["help"] = {
            "text": f"{known.why}\n\nBad:\n{known.bad}\n\nGood:\n{known.good}",
            "markdown": f"{known.why}\n\nBad:\n```yaml\n{known.bad}\n```\n\nGood:\n```yaml\n{known.good}\n```",
        }
    return described


def _result(finding: Finding, position: int) -> dict[str, Any]:
    text = "\n".join(part for part in (finding.what, finding.why, finding.mend and f"Mend: {finding.mend}") if part)
    place = {
        "artifactLocation": {"uri": quote(finding.file or NOWHERE), "uriBaseId": "ROOT"},
        "region": {"startLine": finding.line or 1},
    }
    # The line is left out of it: a finding stays the same one when text above it grows.
    identity = hashlib.sha256("\n".join((finding.rule, finding.file or "", finding.what)).encode()).hexdigest()
    return {
        "ruleId": finding.rule,
        "ruleIndex": position,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"onairFinding/v1": identity[:32]},
    }
