"""The report as JUnit XML, for CI systems that draw test results: a suite a rule, a case a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from onair.core.finding import Finding
from onair.core.report.model import Report, ordered

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may have (https://www.w3.org/TR/xml/#charsets)."""


def render(report: Report) -> str:
    """Return the report as XML; a rule that found nothing is a suite with one passed case."""
    findings = ordered(report.findings)
    by_rule: dict[str, list[Finding]] = {rule: [] for rule in report.rules}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    root = Xml.Element("testsuites", name="onair check", time=f"{report.seconds:.3f}")
    for rule, found in sorted(by_rule.items()):
        _suite(root, rule, found)
    if not by_rule:
        _suite(root, "check/clean", [])
    for total in ("tests", "failures"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: Xml.Element, rule: str, findings: Iterable[Finding]) -> None:
    suite = Xml.SubElement(root, "testsuite", name=rule, errors="0", skipped="0")
    for finding in findings:
        case = Xml.SubElement(suite, "testcase", classname=rule, name=_text(finding.where or "repository"))
        if finding.file is not None:
            case.set("file", _text(finding.file))
        message = "\n".join(part for part in (finding.what, finding.why, finding.mend) if part)
        if finding.severity == "error":
            Xml.SubElement(case, "failure", type=rule, message=_text(finding.what)).text = _text(message)
        else:
            Xml.SubElement(case, "system-out").text = _text(message)
    if not len(suite):
        Xml.SubElement(suite, "testcase", classname=rule, name="nothing found")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
