from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.journal import KEPT_A_SHOW, Draft, Event, Gap, Journal, current_sale, from_peer, instant, to_peer
from live.programme import Show
from live.stream import parse_cursor, told

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOW = Show("table", "kr", START, timedelta(hours=1), timedelta(days=1))
EVENT = Event("a" * 32, "table", "pin", START, START, "b" * 32, "kr", product="tea", home="kr", seq=1)


def events(count: int) -> list[Event]:
    return [replace(EVENT, seq=n, id=f"{n:032x}") for n in range(1, count + 1)]


@given(st.lists(st.integers(0, 30), max_size=12))
def test_batches_in_any_overlap_are_taken_once_and_in_order(cuts: list[int]) -> None:
    journal, every = Journal(), events(30)
    for cut in sorted(cuts):
        before = journal.known.get("kr", 0)
        new = journal.add(every[max(0, before - 3) : cut])
        assert new == max(0, cut - before)
    known = journal.known.get("kr", 0)
    assert [e.seq for e in journal.after("table", 0)] == list(range(1, known + 1))
    if known < 28:
        with pytest.raises(Gap):
            journal.add([every[known + 1]])
        assert journal.known.get("kr", 0) == known


def test_homes_are_numbered_apart_and_memory_is_bounded() -> None:
    journal = Journal()
    journal.add(events(KEPT_A_SHOW + 5))
    journal.add([replace(EVENT, home="us", show="outdoors", seq=1)])
    assert journal.known == {"kr": KEPT_A_SHOW + 5, "us": 1}
    assert len(journal.after("table", 0)) == KEPT_A_SHOW
    assert (journal.last("table"), journal.last("outdoors"), journal.last("none")) == (KEPT_A_SHOW + 5, 1, 0)


def test_cues_are_those_of_the_run_on_air() -> None:
    journal = Journal()
    before = replace(EVENT, at=START - timedelta(hours=23, minutes=30))
    within = replace(EVENT, seq=2, at=START + timedelta(minutes=1))
    journal.add([before, within])
    assert journal.cues(SHOW, START + timedelta(minutes=5)) == [within]
    assert journal.cues(SHOW, START + timedelta(hours=2)) == []


@pytest.mark.parametrize(
    ("steps", "sale"),
    [
        ("", None),
        ("+a", "a"),
        ("+a +b", "b"),
        ("+a +b -b", "a"),
        ("+a -a", None),
        ("+a +b +a", "a"),
        ("-a", None),
    ],
)
def test_the_current_sale_is_the_last_one_open(steps: str, sale: str | None) -> None:
    cues = [replace(EVENT, kind="sale-open" if s[0] == "+" else "sale-close", sale=s[1]) for s in steps.split()]
    found = current_sale(cues)
    assert (found and found["sale"]) == sale


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([None, "tea"]),
    st.integers(1, 2**62),
)
def test_what_one_region_writes_the_other_reads(at: datetime, product: str | None, seq: int) -> None:
    event = replace(EVENT, at=at, product=product, seq=seq)
    assert from_peer(to_peer(event)) == event
    draft = Draft("a" * 32, "table", "pin", at, START, "b" * 32, "us", product=product)
    assert from_peer(to_peer(draft), Draft) == draft


def test_viewers_are_not_told_who_did_it() -> None:
    assert EVENT.public() == {
        "id": "a" * 32,
        "seq": 1,
        "kind": "pin",
        "at": "2026-01-01T12:00:00.000Z",
        "product": "tea",
    }
    assert instant(START + timedelta(microseconds=1500)) == "2026-01-01T12:00:00.001Z"
    assert told(EVENT).startswith("id: 1\nevent: cue\ndata: {")
    assert told(replace(EVENT, kind="end")).splitlines()[1] == "event: state"


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "\u0661", "9" * 19, " "])
def test_a_cursor_is_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="no sequence number"):
        parse_cursor(text)
    assert (parse_cursor(None), parse_cursor(""), parse_cursor("7")) == (None, None, 7)
