from __future__ import annotations

import re
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from origin.timeline import SEGMENT_SECONDS, WINDOW, live_edge, media_sequence, newest, on_offer, playlist

INSTANTS = st.floats(1.6e9, 4e9)
GAPS = st.floats(0, 10_000)


def segments(text: str) -> dict[int, float]:
    """Segment number → Unix time of its start, as a player reads them."""
    dates = re.findall(r"PROGRAM-DATE-TIME:(\S+)", text)
    numbers = re.findall(r"^(\d+)\.m4s$", text, re.M)
    return {int(n): datetime.fromisoformat(d).timestamp() for n, d in zip(numbers, dates, strict=True)}


@given(INSTANTS, GAPS)
def test_any_two_instants_agree_and_the_window_never_goes_back(now: float, gap: float) -> None:
    early, late = segments(playlist(now)), segments(playlist(now + gap))
    assert all(early[n] == late[n] for n in early.keys() & late.keys())
    assert min(late) >= min(early)
    assert max(late) >= max(early)
    if gap <= SEGMENT_SECONDS:
        assert len(early.keys() & late.keys()) >= WINDOW - 2, "a reload must overlap with what the player has"


@given(INSTANTS)
def test_the_window_is_whole_and_past(now: float) -> None:
    text = playlist(now)
    listed = segments(text)
    assert list(listed) == list(range(media_sequence(text) or 0, live_edge(now) + 1))
    assert len(listed) == WINDOW
    assert max(listed.values()) + SEGMENT_SECONDS <= now, "only complete segments"
    assert now - max(listed.values()) < 2 * SEGMENT_SECONDS
    assert all(on_offer(n, now) and on_offer(n, now + WINDOW * SEGMENT_SECONDS - SEGMENT_SECONDS) for n in listed)


@given(INSTANTS, st.floats(0, 4))
def test_handing_back_to_a_lagging_peer_never_shows_an_older_window(now: float, lag: float) -> None:
    own, relayed = playlist(now), playlist(now - lag)
    assert newest([own, relayed]) == own or media_sequence(own) == media_sequence(relayed)


def test_what_is_no_playlist_has_no_sequence() -> None:
    assert media_sequence("<html>") is None
    assert media_sequence("#EXT-X-MEDIA-SEQUENCE:soon") is None
