"""Rollback: to what ran well before, never to what was gone back from."""

import pytest
from change_world import KR, NEW, OLD, OTHER, past
from hypothesis import given
from hypothesis import strategies as st
from support import findings_of

from onair.core.change.promotion import Held
from onair.core.change.rollback import earlier
from onair.core.finding import OnairError


def test_it_goes_back_to_the_digest_before() -> None:
    assert earlier(KR, past((9, OTHER), (5, OLD), (1, NEW))).digest == OLD


def test_a_second_rollback_does_not_bring_the_fault_again() -> None:
    held = past((9, OTHER), (5, OLD), (3, NEW), (1, OLD))
    assert earlier(KR, held).digest == OTHER
    (one,) = findings_of(lambda: earlier(KR, held[1:]))
    assert (one.rule, one.file) == ("rollback/nothing", KR.path)
    assert one.mend.startswith(f"name one with --image: {NEW} since ")


def test_one_that_is_named_may_be_any_that_it_has_held() -> None:
    held = past((9, OTHER), (5, OLD), (3, NEW), (1, OLD))
    assert earlier(KR, held, NEW).digest == NEW
    assert earlier(KR, held, NEW[7:11]).digest == NEW


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ("f00", "prod-kr has held no digest of web that begins with f00"),
        ("sha256:", "prod-kr has held more than one digest of web that begins with sha256:"),
        (NEW, f"prod-kr holds {NEW} of web now"),
    ],
)
def test_one_that_is_named_must_be_held_and_single(wanted: str, what: str) -> None:
    (one,) = findings_of(lambda: earlier(KR, past((9, OTHER), (5, OLD), (1, NEW)), wanted))
    assert (one.rule, one.what) == ("rollback/unknown", what)
    assert OTHER in one.mend
    assert OLD in one.mend


@pytest.mark.parametrize("held", [[], past((1, NEW)), past((9, OLD), (5, None), (1, NEW))])
def test_without_an_earlier_one_there_is_nothing_to_go_back_to(held: list[Held]) -> None:
    (one,) = findings_of(lambda: earlier(KR, held))
    assert one.rule == "rollback/nothing"


@given(st.lists(st.sampled_from([OLD, NEW, OTHER]), min_size=1, max_size=12))
def test_rollbacks_come_to_an_end_and_never_repeat(digests: list[str]) -> None:
    held = past(*((99 - number, each) for number, each in enumerate(digests)))
    seen = [digests[-1]]
    while (back := _back(held)) is not None:
        assert back not in seen
        assert back in digests
        seen.append(back)
        held += past((80 - len(seen), back))


def _back(held: list[Held]) -> str | None:
    try:
        return earlier(KR, held).digest
    except OnairError:
        return None
