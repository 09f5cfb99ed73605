"""The report in each format: complete, and safe against what findings may contain."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from onair.core.finding import Finding
from onair.core.gate.model import Rule
from onair.core.report import formats
from onair.core.report.markdown import LIMIT
from onair.core.report.markdown import render as markdown
from onair.core.report.model import CLEAN, FINDINGS, Counts, Report, ordered

SARIF = yaml.safe_load((Path(__file__).parent / "sarif.yaml").read_text())
"""What the standard demands of the parts of SARIF 2.1.0 that we write, and no key besides them."""
BAD = Finding(
    rule="schema/unknown-key",
    what="prod-kr Deployment shop/web: `replica` is no key of spec",
    why="the API server refuses it",
    mend="write `replicas`",
    file="apps/web/base/work load.yaml",
    line=7,
)
WARNED = Finding(rule="tree/unreached", what="nothing reaches it", mend="remove it", severity="warning", file="x.yaml")
HOMELESS = Finding(rule="change/vanishes", what="100% of it: gone\nall,of it", mend="onair retire web")
RULES = {
    "schema/unknown-key": Rule("schema/unknown-key", "Typos are ignored.", "replica: 1", "replicas: 1"),
    "policy/probes": Rule("policy/probes", "Traffic reaches pods that are not ready.", "a: 1", "b: 1"),
}
CHECKED = Counts(clusters=4, applications=40, objects=1234, by_kind={"Deployment": 12}, files=300, rules=1)
REPORT = Report(CHECKED, (WARNED, HOMELESS, BAD), 1.25, RULES, "0.1.0", "abc1234", "#### prod-kr/web\n")
EMPTY = Report(Counts())
FINDINGS_STRATEGY = st.builds(
    Finding,
    rule=st.just("area/name"),
    what=st.text(),
    why=st.text(),
    mend=st.text(),
    file=st.none() | st.text(min_size=1),
    line=st.none() | st.integers(1, 10**6),
    severity=st.sampled_from(["error", "warning"]),
)


def test_only_errors_fail() -> None:
    assert (REPORT.exit_code, REPORT.errors, REPORT.warnings) == (FINDINGS, 2, 1)
    assert Report(CHECKED, (WARNED,)).exit_code == CLEAN
    assert EMPTY.exit_code == CLEAN


def test_findings_are_told_once_errors_first_in_the_order_of_files() -> None:
    assert ordered([WARNED, BAD, HOMELESS, BAD]) == [HOMELESS, BAD, WARNED]


def test_counts_are_said() -> None:
    assert str(CHECKED) == "4 clusters, 40 applications, 1,234 objects, 300 files, 1 rule"


def test_an_unknown_format_lists_the_known() -> None:
    with pytest.raises(ValueError, match="github, sarif, junit, json, markdown"):
        formats.render("xml", REPORT)


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize("report", [REPORT, EMPTY], ids=["findings", "empty"])
def test_every_format_names_every_finding(name: str, report: Report) -> None:
    text = formats.render(name, report)
    assert text.endswith("\n")
    for finding in report.findings:
        assert finding.rule in text


def test_github_escapes_values_and_text() -> None:
    lines = formats.render("github", REPORT).splitlines()
    assert lines[0].startswith("::error title=change/vanishes::100%25 of it: gone%0Aall,of it%0Amend: onair retire web")
    assert lines[1].startswith("::error file=apps/web/base/work load.yaml,line=7,title=schema/unknown-key::prod-kr")
    assert lines[2].startswith("::warning file=x.yaml,title=tree/unreached::")
    assert lines[3] == f"onair check: 2 errors, 1 warnings; {CHECKED} in 1.2 s"
    nasty = Finding(rule="a/b", what="x", file="a,line=1:b%0A.yaml")
    assert "file=a%2Cline=1%3Ab%250A.yaml,title=a/b" in formats.render("github", Report(CHECKED, (nasty,)))


@given(st.lists(FINDINGS_STRATEGY, max_size=4))
def test_no_finding_can_start_a_workflow_command_of_its_own(findings: list[Finding]) -> None:
    text = formats.render("github", Report(CHECKED, findings))
    commands = [line for line in re.split(r"\r\n|\r|\n", text) if line.startswith("::")]
    assert len(commands) == len(ordered(findings))
    assert all(line.startswith(("::error ", "::warning ")) for line in commands)


@given(st.lists(FINDINGS_STRATEGY, max_size=4))
def test_sarif_keeps_to_the_standard(findings: list[Finding]) -> None:
    log = json.loads(formats.render("sarif", Report(CHECKED, findings, 1.0, RULES, "0.1.0")))
    jsonschema_rs.validator_for(SARIF, validate_formats=True).validate(log)


def test_sarif_tells_rules_places_and_levels() -> None:
    (run,) = json.loads(formats.render("sarif", REPORT))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        "change/vanishes",
        "policy/probes",
        "schema/unknown-key",
        "tree/unreached",
    ]
    assert rules[1]["fullDescription"] == {"text": RULES["policy/probes"].why}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    gone, typo, warned = run["results"]
    assert [gone["level"], typo["level"], warned["level"]] == ["error", "error", "warning"]
    place = typo["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "apps/web/base/work%20load.yaml"
    assert place["region"] == {"startLine": 7}
    assert gone["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}, "GitHub drops what has no place"


def test_sarif_knows_a_finding_again_when_its_line_moved() -> None:
    def fingerprint(finding: Finding) -> str:
        (run,) = json.loads(formats.render("sarif", Report(CHECKED, (finding,))))["runs"]
        return str(run["results"][0]["partialFingerprints"])

    assert fingerprint(BAD) == fingerprint(replace(BAD, line=70))
    assert fingerprint(BAD) != fingerprint(replace(BAD, what="another"))


def test_junit_counts_rules_that_found_nothing_as_passed() -> None:
    root = Xml.fromstring(formats.render("junit", REPORT))  # noqa: S314 - our own text
    suites = {suite.get("name"): suite for suite in root}
    assert (root.get("tests"), root.get("failures")) == ("4", "2")
    assert suites["policy/probes"].find("testcase").attrib["name"] == "nothing found"  # type: ignore[union-attr]
    failure = suites["schema/unknown-key"].find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == BAD.what
    assert BAD.mend in str(failure.text)
    assert suites["tree/unreached"].find("testcase/failure") is None, "a warning does not fail"


@given(st.lists(FINDINGS_STRATEGY, max_size=4))
def test_junit_is_wellformed_whatever_findings_say(findings: list[Finding]) -> None:
    root = Xml.fromstring(formats.render("junit", Report(CHECKED, findings)))  # noqa: S314 - our own text
    assert len(root.findall(".//failure")) == sum(f.severity == "error" for f in ordered(findings))


def test_json_holds_all_of_it() -> None:
    content = json.loads(formats.render("json", REPORT))
    assert [Finding(**finding) for finding in content["findings"]] == ordered(REPORT.findings)
    assert content["checked"]["objects"] == 1234
    assert (content["errors"], content["warnings"], content["base"]) == (2, 1, "abc1234")


def test_markdown_groups_by_rule_and_shows_the_change() -> None:
    text = markdown(REPORT)
    assert text.startswith("### `onair check`: 2 errors, 1 warning\n")
    assert "**`schema/unknown-key`** the API server refuses it" in text
    assert "- `apps/web/base/work load.yaml:7`: " in text
    assert text.rstrip().endswith("#### prod-kr/web")
    assert markdown(EMPTY).startswith("### `onair check`: clean\n")


def test_markdown_cannot_be_drawn_by_a_finding() -> None:
    text = markdown(Report(CHECKED, (Finding(rule="a/b", what="@team <img src=x>\n# big `code` |"),)))
    assert "@team" not in text
    assert "<img" not in text.replace("\\<", "")
    assert "\n# big" not in text


def test_markdown_that_does_not_fit_says_what_is_left_out() -> None:
    many = [Finding(rule="a/b", what=f"number {n} " + "x" * 100) for n in range(2000)]
    text = markdown(Report(CHECKED, many))
    assert len(text) <= LIMIT
    shown, left = text.count("\n- "), int(re.findall(r"and (\d+) more", text)[0])
    assert shown + left == 2000
    long = "<details><summary>web</summary>\n\n```diff\n" + "+ line\n" * 20_000 + "```\n</details>\n"
    text = markdown(Report(CHECKED, change=long))
    assert len(text) <= LIMIT
    assert text.count("```") == 2
    assert text.count("<details>") == text.count("</details>")
    assert "onair diff" in text
