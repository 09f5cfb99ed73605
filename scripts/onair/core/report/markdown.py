"""The report as Markdown, for a comment on a pull request or a job's summary."""

from __future__ import annotations

import re

from onair.core.finding import Finding
from onair.core.report.model import Report, ordered

LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~@])")


def render(report: Report, limit: int = LIMIT) -> str:
    """Return verdict, counts, findings grouped by rule, and the change; never longer than ``limit`` characters.

    What does not fit is counted, never dropped in silence: first the change is cut, then findings.
    """
    head = [f"### `onair check`: {_verdict(report)}", "", f"{report.checked} in {report.seconds:.1f} s", ""]
    room = limit - sum(len(line) + 1 for line in head) - 200
    lines, left = [], 0
    for line in _findings(report):
        room -= len(line) + 1
        if room < 0:
            left += line.startswith("- ")
        else:
            lines.append(line)
    if left:
        lines += ["", f"… and {left} more findings: see the log."]
    elif report.change:
        lines += ["", *_cut(report.change, room)]
    return "\n".join([*head, *lines]).rstrip() + "\n"


def _verdict(report: Report) -> str:
    if not report.findings:
        return "clean"
    found = [(report.errors, "error"), (report.warnings, "warning")]
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in found if count)


def _findings(report: Report) -> list[str]:
    by_rule: dict[str, list[Finding]] = {}
    for finding in ordered(report.findings):
        by_rule.setdefault(finding.rule, []).append(finding)
    lines: list[str] = []
    for rule, findings in by_rule.items():
        lines += [f"**`{rule}`** {_escape(next((f.why for f in findings if f.why), ''))}".rstrip(), ""]
        for finding in findings:
            where = f"`{finding.where.replace('`', '')}`: " if finding.where else ""
            mend = f" _Mend:_ {_escape(finding.mend)}" if finding.mend else ""
            mark = "" if finding.severity == "error" else "(warning) "
            lines.append(f"- {mark}{where}{_escape(finding.what)}{mend}")
        lines.append("")
    return lines


def _cut(change: str, room: int) -> list[str]:
    if len(change) <= room:
        return [change]
    kept = change[: max(0, room)].rsplit("\n", 1)[0]
    closing = ["```"] if len(re.findall(r"^```", kept, re.MULTILINE)) % 2 else []
    closing += ["</details>"] * (kept.count("<details") - kept.count("</details>"))
    return [kept, *closing, "", "… the rest of the change does not fit here: `onair diff`."]


def _escape(text: str) -> str:
    """Take its meaning from Markdown and from mentions, so that a finding's text cannot draw or notify."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("\\@", "@\u200b")
