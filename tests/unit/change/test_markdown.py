"""The difference as a pull request shows it."""

import re

from change_world import objects
from hypothesis import given, settings
from hypothesis import strategies as st

from onair.core.change.compare import compare
from onair.core.change.markdown import LIMIT, lines, markdown
from onair.core.gate.model import Object

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: %s}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: shop}\ndata: {file: %s}\n"


def test_clusters_that_change_alike_are_shown_once() -> None:
    before, after = [], []
    for cluster, new in (("prod-kr", 3), ("prod-us", 3), ("local-kr", 5)):
        before += objects(DEPLOYMENT % 2, cluster)
        after += objects(DEPLOYMENT % new, cluster)
    text = markdown(compare(before, after))
    assert re.findall(r"<b>(.*?)</b>: (.*?)</summary>", text) == [
        ("local-kr · web", "1 changed"),
        ("prod-kr, prod-us · web", "1 changed"),
    ]
    assert text.count("-     2\n+     3\n") == 1


def test_a_long_text_is_shown_by_its_lines_that_differ() -> None:
    before = CONFIG % ("x", '"' + "".join(f"line {n}\\n" for n in range(500)) + '"')
    (change,) = compare(objects(before), objects(before.replace("line 250\\n", "line changed\\n")))
    shown = lines(change)
    assert "-     line 250" in shown
    assert "+     line changed" in shown
    assert len(shown) < 12


def test_nothing_changed_is_said() -> None:
    assert "No rendered object changes." in markdown([])


def test_what_goes_and_comes_stands_first() -> None:
    gone = objects(DEPLOYMENT % 2)
    text = markdown([], appearing=["prod-kr chat"], vanishing=["prod-us web"], pruned=gone)
    assert "**Applications that appear:** `prod-kr chat`" in text
    assert "**Applications that vanish:** `prod-us web`" in text
    assert "**Would be deleted (pruned):** `prod-kr Deployment shop/web`" in text


def test_what_is_too_long_is_named_not_dropped() -> None:
    after: list[Object] = []
    for number in range(90):
        after += objects(CONFIG % (f"x{number}", "y" * 1500), application=f"app-{number:03}")
    text = markdown(compare([], after))
    assert len(text) <= LIMIT
    assert all(f"app-{number:03}" in text for number in range(90))
    assert "`onair diff` shows all" in text


@settings(deadline=None)
@given(st.text("`<>&\na", max_size=60), st.integers(1_500, 4_000))
def test_content_never_breaks_out_of_its_block_nor_over_the_limit(content: str, limit: int) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"file": content}}
    after = [Object("prod-kr", "</summary><b>", "leaf", body)]
    text = markdown(compare([], after), limit=limit)
    assert len(text) <= limit
    fences = re.findall(r"^(`{3,})(?:diff)?$", text, re.MULTILINE)
    assert len(fences) == 2
    assert fences[0] == fences[1]
    assert "</summary><b>" not in text
    assert text.count("<details>") == text.count("</details>") == 1
