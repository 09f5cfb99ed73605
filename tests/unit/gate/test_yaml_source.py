"""YAML as it stands in git: each fault is found with its line, and nothing is expanded or crashes."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from onair.core.gate.yaml_source import RULES, parse

BOMB = "a: &a [x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
FAULTS: list[tuple[str, str, str, int, str]] = [
    # title, text, rule, line, part of what is wrong or of the mend
    ("a bracket that is not closed", "a: [1, 2\nb: 3\n", "yaml/syntax", 2, "close the bracket"),
    ("wrong indentation", "a:\n  b: 1\n c: 2\n", "yaml/syntax", 3, "indent"),
    ("a colon in a value", "a: b: c\n", "yaml/syntax", 1, "quotes"),
    ("an item out of its list", "a:\n  - 1\n  b: 2\n", "yaml/syntax", 3, "`- `"),
    ("quotes that are not closed", 'a: "b\n', "yaml/syntax", 2, "close the quotes"),
    ("a key without a colon", "a: 1\nb\n", "yaml/syntax", 3, "add `:`"),
    ("an at sign", "a: @b\n", "yaml/syntax", 1, "quote the value"),
    ("a control character", "a: \x01\n", "yaml/syntax", 1, "control character"),
    ("an alias of nothing", "a: *b\n", "yaml/alias", 1, "*b"),
    ("a tab", "a:\n\tb: 1\n", "yaml/tab", 2, "spaces"),
    ("a key twice", "a: 1\nb: 2\na: 3\n", "yaml/duplicate-key", 3, "line 1"),
    ("a key twice, quoted once", 'x:\n  a: 1\n  "a": 3\n', "yaml/duplicate-key", 3, "line 2"),
    ("an anchor", "a: &x 1\n", "yaml/alias", 1, "anchor &x"),
    ("an anchor at a mapping", "a: &x {b: 1}\n", "yaml/alias", 1, "anchor &x"),
    ("a tag", "a: !!binary aGk=\n", "yaml/tag", 1, "tag:yaml.org,2002:binary"),
    ("a tag that runs code", "a: !!python/object/apply:os.getcwd []\n", "yaml/tag", 1, "python"),
    ("a number as key", "8080: web\n", "yaml/key", 1, 'quote it: "8080"'),
    ("true as key", "true: web\n", "yaml/key", 1, "true"),
    ("null as key", "~: web\n", "yaml/key", 1, "not text"),
    ("a list as key", "? [a, b]\n: web\n", "yaml/key", 1, "list"),
    ("a mapping as key", "{a: 1}: web\n", "yaml/key", 1, "list or a mapping"),
    ("a merge key", "<<: {a: 1}\nb: 2\n", "yaml/merge-key", 1, "write the keys out"),
    ("too many levels", "[" * 200 + "]" * 200 + "\n", "yaml/too-deep", 1, "100 levels"),
    ("Norway", "country: no\n", "yaml/ambiguous", 1, 'quote it: "no"'),
    ("a switch in words", "on: 1\n", "yaml/ambiguous", 1, "on is true or false"),
    ("an octal number", "mode: 0644\n", "yaml/ambiguous", 1, "write 420"),
    ("an octal number of 1.2", "mode: 0o644\n", "yaml/ambiguous", 1, "write 420"),
    ("a time", "at: 12:30\n", "yaml/ambiguous", 1, "base of 60"),
    ("a date", "at: 2026-11-23\n", "yaml/ambiguous", 1, "date"),
    ("a number with an exponent", "revision: 12e03\n", "yaml/ambiguous", 1, 'quote it: "12e03"'),
    ("a number with underscores", "a: 1_000\n", "yaml/ambiguous", 1, "number in YAML 1.1"),
    ("not a number", "a: .nan\n", "yaml/ambiguous", 1, "no JSON"),
    ("in a list, in a second document", "a: 1\n---\n- ok\n- yes\n", "yaml/ambiguous", 4, "yes"),
]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(("text", "rule", "line", "part"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_by_its_rule_alone_with_its_line_and_mend(text: str, rule: str, line: int, part: str) -> None:
    _, found = parse("clusters/x.yaml", text)
    assert {each.rule for each in found} == {rule}
    assert found[0].where == f"clusters/x.yaml:{line}"
    assert part in f"{found[0].what} {found[0].mend}"
    assert found[0].why


def test_every_rule_has_a_fault_and_its_good_example_passes() -> None:
    assert {fault[2] for fault in FAULTS} == {rule.id for rule in RULES}
    for rule in RULES:
        assert parse("x.yaml", rule.good)[1] == []
        if rule.id != "yaml/too-deep":  # 100 levels are no example to show
            assert parse("x.yaml", rule.bad)[1][0].rule == rule.id


def test_a_bomb_is_refused_and_never_expanded() -> None:
    documents, found = parse("x.yaml", BOMB)
    assert {each.rule for each in found} == {"yaml/alias"}
    assert documents[0].body["i"] == [None] * 9


def test_documents_keep_their_lines() -> None:
    text = "# why\n---\na: 1\nb:\n- c: 2\n- d:\n    e: 3\n---\n---\nf: |\n  text\n  more\n"
    (first, second), found = parse("x.yaml", text)
    assert found == []
    assert first.body == {"a": 1, "b": [{"c": 2}, {"d": {"e": 3}}]}
    places = {(): 3, ("a",): 3, ("b",): 4, ("b", 0): 5, ("b", 0, "c"): 5, ("b", 1, "d"): 6, ("b", 1, "d", "e"): 7}
    assert {path: first.lines(path) for path in places} == places
    assert first.lines(("b", 1, "d", "x", "y")) == 6
    assert first.lines(["b", 9]) == 4
    assert (second.body, second.lines(("f",)), second.line) == ({"f": "text\nmore\n"}, 10, 10)


def test_what_stands_before_an_error_is_read() -> None:
    documents, found = parse("x.yaml", "a: 1\n---\nb: [\n")
    assert [document.body for document in documents] == [{"a": 1}]
    assert [each.rule for each in found] == ["yaml/syntax"]


def test_github_calls_a_key_on() -> None:
    assert parse(".github/workflows/check.yaml", "on: [push]\n")[1] == []
    assert parse(".github/workflows/check.yaml", "on: off\n")[1]


@pytest.mark.parametrize("text", ["", "---\n", "# only a comment\n", "---\n---\n", "null\n"])
def test_an_empty_file_holds_nothing(text: str) -> None:
    assert parse("x.yaml", text) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "a: 'no'",
        'a: "0644"',
        "a: |\n  no\n",
        "a: >-\n  12:30\n",
        "a: 0",
        "a: -1.5",
        "a: 1.5e+3",
        "a: 0x1F",
        "a: v1.2.3",
        "a: 10.0.0.1",
    ],
)
def test_what_all_parsers_read_alike_passes(text: str) -> None:
    (document,), found = parse("x.yaml", text)
    assert found == []
    assert document.body == yaml.safe_load(text)


@given(PLAIN)
def test_what_is_written_plainly_is_read_as_it_was(value: object) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    if value is None or isinstance(value, (bool, int)):
        return
    documents, _ = parse("x.yaml", text)
    assert [yaml.safe_load(text)] == [document.body for document in documents] or "!!" in text


@given(st.text(alphabet=st.sampled_from("ab:-?[]{}&*!|>'\"#%@,\n \t0.<~\x00\ufeff"), max_size=60))
def test_no_text_crashes(text: str) -> None:
    documents, found = parse("x.yaml", text)
    for document in documents:
        assert document.lines(("a", 0)) >= 1
    for each in found:
        assert each.mend


def test_a_whole_file_of_brackets_is_told_and_costs_no_stack() -> None:
    assert [found.rule for found in parse("x.yaml", "[" * 100_000)[1]] == ["yaml/too-deep"]
