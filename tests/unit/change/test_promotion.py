"""Promotion: digests alone, one prod region at a time, and only what has soaked."""

from datetime import timedelta

import pytest
from change_world import DELIVERY, KR, NEW, NOW, OLD, OTHER, PRODS, US, leaf_text, past
from hypothesis import given
from hypothesis import strategies as st
from support import findings_of

from onair.core.change.promotion import Held, PinChange, Texts, judge, pin_changes, plan, refusals
from onair.core.finding import Finding
from onair.core.leaf import Leaf

Past = dict[Leaf, list[Held]]
SOAKED: Past = {KR: past((100, OLD), (30, NEW)), US: past((90, OTHER), (80, OLD))}


def rules(changed: Texts, histories: Past = SOAKED) -> list[str]:
    return [x.rule for x in found(changed, histories)]


def found(changed: Texts, histories: Past = SOAKED) -> list[Finding]:
    return judge(changed, PRODS, DELIVERY, lambda leaf: histories.get(leaf, []), NOW)


def promoted(*leaves: Leaf, old: str = OLD, new: str = NEW) -> dict[str, tuple[str | None, str | None]]:
    return {leaf.path: (leaf_text(old), leaf_text(new)) for leaf in leaves}


def test_a_digest_that_has_soaked_may_go_to_one_prod_region() -> None:
    assert rules(promoted(US)) == []
    assert rules(promoted(KR, new=OTHER)) == [], "the first region waits for none"


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("apps/web/base/workload.yaml", ("a", "b")),
        ("README.md", (None, "new")),
        (Leaf("prod-kr", "live").path, (leaf_text(OLD), leaf_text(NEW, " # and a comment"))),
        (Leaf("local-kr", "web").path, (leaf_text(OLD), None)),
    ],
)
def test_a_promotion_brings_nothing_else(path: str, texts: tuple[str | None, str | None]) -> None:
    changed = promoted(KR, new=OTHER) | {path: texts}
    (one,) = [x for x in found(changed) if x.rule != "promotion/soak"]
    assert (one.rule, one.file) == ("promotion/only-digests", path)


def test_digests_of_other_leaves_may_come_along() -> None:
    changed = promoted(KR, Leaf("local-kr", "web"), Leaf("local-us", "live"), new=OTHER)
    assert rules(changed) == []


def test_what_changes_no_image_in_prod_is_no_promotion() -> None:
    everything = {"apps/web/base/workload.yaml": ("a", "b"), KR.path: (leaf_text(OLD), leaf_text(OLD, " # x"))}
    assert rules(everything | promoted(Leaf("local-kr", "web"))) == []


def test_both_prods_never_take_an_image_in_one_change() -> None:
    both = {KR: SOAKED[KR], US: past((90, OLD), (80, NEW), (70, OLD))}
    (one,) = found(promoted(KR, US), both)
    assert one.rule == "promotion/both-prods"
    assert "prod-kr first" in one.mend


def test_both_services_of_one_prod_region_may_go_together() -> None:
    assert rules(promoted(KR, Leaf("prod-kr", "live"), new=OTHER)) == []


def test_a_new_service_comes_to_both_prods_at_once() -> None:
    changed = {leaf.path: (None, leaf_text(NEW)) for leaf in (KR, US)}
    assert rules(changed | {"apps/chat/base/x.yaml": (None, "x")}, {}) == []


def test_a_leaf_that_is_new_in_one_prod_region_waits_like_any_other() -> None:
    assert rules({US.path: (None, leaf_text(NEW))}, {KR: past((1, NEW))}) == ["promotion/soak"]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "has never run it"),
        (past((100, OLD)), "has never run it"),
        (past((100, OLD), (23.9, NEW)), "has run it for 23.9 h of 24 h only"),
        (past((100, OLD), (50, NEW), (40, OTHER)), "ran it for 10.0 h only"),
        (past((100, OLD), (50, NEW), (10, OLD)), "went back from it to an earlier one"),
        (past((100, NEW), (85, OLD), (70, NEW), (65, OTHER)), "ran it for 15.0 h"),
        (past((-5, NEW)), "has run it for 0.0 h"),
    ],
)
def test_what_has_not_soaked_waits(history: list[Held], message: str) -> None:
    (one,) = found(promoted(US, old=OTHER), {KR: history, US: past((200, OTHER))})
    assert one.rule == "promotion/soak"
    assert message.removesuffix(" only") in one.what
    assert one.file == US.path


@pytest.mark.parametrize(
    "history",
    [
        past((24, NEW)),
        past((100, OLD), (60, NEW), (20, OTHER)),
        past((100, NEW), (60, OLD), (50, NEW), (49, OTHER)),
        past((100, OLD), (60, NEW), (50, OTHER), (40, NEW), (5, "sha256:" + "d" * 64)),
    ],
)
def test_what_has_soaked_goes_even_when_the_first_region_moved_on(history: list[Held]) -> None:
    late = {KR: history, US: past((200, OTHER))}
    known = [x for x in found(promoted(US, old=OTHER), late) if "went back" not in x.what]
    assert known == []


def test_the_way_back_is_always_open() -> None:
    back = {KR: past((100, OLD), (50, NEW)), US: past((100, OLD), (20, NEW))}
    assert rules(promoted(US, old=NEW, new=OLD), back) == []


def test_the_mend_names_the_hour() -> None:
    (one,) = found(promoted(US, old=OTHER), {KR: past((20, NEW)), US: []})
    assert "2026-11-23T16:00+00:00" in one.mend


@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from([OLD, NEW, OTHER, None])), max_size=6))
def test_nothing_passes_that_the_first_region_never_held_long_enough(entries: list[tuple[int, str | None]]) -> None:
    history = [
        Held(NOW - timedelta(hours=hours), digest) for hours, digest in sorted(entries, key=lambda entry: -entry[0])
    ]
    passes = not found(promoted(US, old=OTHER), {KR: history, US: past((500, OTHER))})
    ends = [each.since for each in history[1:]] + [NOW]
    spans = [end - each.since for each, end in zip(history, ends, strict=False) if each.digest == NEW]
    if passes:
        assert spans
        assert max(spans) >= timedelta(hours=24)
    if history and history[-1].digest == NEW and spans[-1] >= timedelta(hours=24):
        assert passes


def test_a_plan_takes_over_the_first_regions_digest_and_says_what_forbids_it() -> None:
    texts = {KR: leaf_text(NEW), US: leaf_text(OLD)}
    made = plan("web", "prod-us", texts, delivery=DELIVERY, history=lambda leaf: SOAKED[leaf], now=NOW)
    assert (made.digest, made.files, made.findings) == (NEW, {US.path: leaf_text(NEW)}, [])
    early = plan("web", "prod-us", texts, delivery=DELIVERY, history=lambda _: [], now=NOW)
    assert [x.rule for x in early.findings] == ["promotion/soak"]


def test_a_plan_for_what_runs_already_changes_nothing() -> None:
    texts = {KR: leaf_text(NEW), US: leaf_text(NEW)}
    made = plan("web", "prod-us", texts, delivery=DELIVERY, history=lambda _: [], now=NOW)
    assert (made.files, made.findings) == ({}, [])


def test_a_plan_needs_one_digest_in_the_first_regions_leaf() -> None:
    texts = {KR: "images: []\n", US: leaf_text(OLD)}
    (one,) = findings_of(lambda: plan("web", "prod-us", texts, delivery=DELIVERY, history=lambda _: [], now=NOW))
    assert (one.rule, one.file) == ("leaf/digest", KR.path)


def test_a_release_is_refused_before_anything_is_built() -> None:
    leaves = [KR, US, Leaf("local-kr", "web")]
    texts = {leaf: leaf_text(OLD) for leaf in leaves}
    refused = refusals(leaves, texts, NEW, delivery=DELIVERY, history=lambda leaf: SOAKED.get(leaf, []), now=NOW)
    assert [x.rule for x in refused] == ["promotion/both-prods"]
    local = refusals(leaves[2:], texts, NEW, delivery=DELIVERY, history=lambda _: [], now=NOW)
    assert local == []


def test_a_leaf_without_one_digest_is_not_this_rules_finding() -> None:
    assert pin_changes({US.path: (leaf_text(OLD), "images: []")}) == [PinChange(US, OLD, None)]
    assert rules({US.path: (leaf_text(OLD), "images: []")}) == []
