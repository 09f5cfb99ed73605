"""The rules of YAML in git, and how unquoted words and syntax errors are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from onair.core.finding import Finding
from onair.core.gate.model import Rule

DEEPEST = 100
"""Mappings and lists inside of each other; Kubernetes' own deepest kinds have 30."""


def _rule(name: str, why: str, bad: str, good: str) -> Rule:
    return Rule(f"yaml/{name}", why, bad, good)


RULES: tuple[Rule, ...] = (
    _rule("syntax", "Nothing can read the file.", "a: [1, 2", "a: [1, 2]"),
    _rule("tab", "YAML forbids tabs in indentation.", "a:\n\tb: 1", "a:\n  b: 1"),
    _rule("duplicate-key", "Most parsers keep the last one and say nothing.", "a: 1\na: 2", "a: 1\nb: 2"),
    _rule(
        "alias",
        "A few lines of aliases can stand for gigabytes, and a change at the anchor changes places that nobody sees.",
        "a: &x {b: 1}\nc: *x",
        "a: {b: 1}\nc: {b: 1}",
    ),
    _rule("merge-key", "YAML 1.2 has no merge keys: some parsers read a key named `<<`.", "<<: {a: 1}", "a: 1"),
    _rule(
        "tag",
        "Tags make a parser build something else than text, numbers, lists and mappings.",
        "a: !!binary aGk=",
        "a: hi",
    ),
    _rule("key", "JSON, which the API server speaks, has no keys but text.", "8080: web", '"8080": web'),
    _rule(
        "ambiguous",
        "YAML 1.1 and 1.2 read it differently: `no` is false or a country, 0644 is 420 or 644, 12:30 is 750 or text.",
        "country: no",
        'country: "no"',
    ),
    _rule(
        "too-deep",
        f"Parsers give up, or crash, beyond some depth; {DEEPEST} is far above any manifest's.",
        "[[[…]]]",
        "[]",
    ),
)
WHY = {rule.id: rule.why for rule in RULES}

# What YAML 1.1 (PyYAML, yaml.v2 below kubectl) reads otherwise than YAML 1.2 (yaml.v3 below Kustomize).
# source: https://yaml.org/type/bool.html, https://yaml.org/type/int.html, https://yaml.org/spec/1.2.2/#103-core-schema
_AMBIGUOUS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i:y|n|yes|no|on|off)"), "is true or false in YAML 1.1 and text in 1.2"),
    (re.compile(r"[-+]?0[0-7_]+"), "is octal in YAML 1.1 and decimal in 1.2"),
    (re.compile(r"0o[0-7]+"), "is text in YAML 1.1 and octal in 1.2"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), "is a number to the base of 60 in YAML 1.1"),
    (re.compile(r"[-+]?0b[01_]+|[-+]?[0-9][0-9]*_[0-9_]*"), "is a number in YAML 1.1 and text in 1.2"),
    (
        re.compile(r"[-+]?[0-9]+(\.[0-9]+)?[eE][0-9]+|[-+]?[0-9]+[eE][-+]?[0-9]+"),
        "is text in YAML 1.1 and a number in 1.2",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?"), "is a date in YAML 1.1 and text in 1.2"),
    (re.compile(r"[-+]?\.(?i:inf|nan)|="), "is no JSON value"),
)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def plain(text: str) -> Any:  # noqa: ANN401 - whatever YAML can write without quotes
    """Read an unquoted value as YAML 1.2's core schema does (and 1.1, where nothing is ambiguous)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 16) if text.startswith("0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def unambiguous(text: str) -> str:
    """Return how to write an ambiguous word so that all parsers agree."""
    if re.fullmatch(r"0o?[0-7]+", text):
        return f"write {int(text.replace('o', ''), 8)} (decimal), or quote it"
    return f'quote it: "{text}"; write true or false for a switch' if text.isalpha() else f'quote it: "{text}"'


def ambiguous(text: str) -> str:
    """Return how parsers disagree on an unquoted word; empty if they do not."""
    return next((what for pattern, what in _AMBIGUOUS if pattern.fullmatch(text)), "")


def syntax(file: str, text: str, error: Exception) -> Finding:
    """Return the finding of a file that is no YAML."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else _line_of(text, error)
    rows = text.splitlines()
    row = rows[line - 1] if line and line <= len(rows) else ""
    said = " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).split())
    if re.match(r"\s*\t", row):
        rule, what, mend = "yaml/tab", "a tab in the indentation", "indent by spaces"
    else:
        rule, what, mend = "yaml/syntax", said, _hint(said, row)
    return Finding(rule=rule, what=what, why=WHY[rule], mend=mend, file=file, line=line)


def _line_of(text: str, error: Exception) -> int | None:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else None


def _hint(said: str, row: str) -> str:
    for part, mend in _hints(row):
        if part in said:
            return mend
    return "correct the syntax at this line, or just before it"


def _hints(row: str) -> Iterator[tuple[str, str]]:
    yield "mapping values are not allowed", "a value with `: ` needs quotes; or the indentation of this line is wrong"
    yield "expected <block end>", "indent this line like its siblings, or close the quotes and brackets above it"
    yield "did not find expected key", "indent this line like its siblings"
    yield "did not find expected '-' indicator", "begin the line with `- ` like its siblings"
    yield "could not find expected ':'", "add `:` after the key"
    yield "did not find expected ',' or", "close the bracket, or add a comma"
    yield "unexpected end of stream", "close the quotes"
    yield "cannot start any token", f"quote the value: `{row.strip()[:40]}`"
    yield "special characters are not allowed", "remove the control character"
    yield "unacceptable character", "remove the control character"
