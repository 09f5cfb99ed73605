from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import protocol
from chat.protocol import Delete, Mute, Refused, Say
from chat.sockets import Bucket


def test_what_a_client_may_say() -> None:
    assert protocol.parse('{"type":"say","ref":"a-1","text":" 안녕 <b> "}') == Say("a-1", "안녕 <b>")
    assert protocol.parse('{"type":"delete","id":"kr-12"}') == Delete(None, "kr-12")
    mute = {"type": "mute", "viewer": "0" * 32, "seconds": 60, "ref": "m"}
    assert protocol.parse(json.dumps(mute)) == Mute("m", "0" * 32, 60)
    for seconds in (0, -1, 86401, "60", True, 1.5, None):
        with pytest.raises(Refused, match="format"):
            protocol.parse(json.dumps(mute | {"seconds": seconds}))


def test_text_is_composed_before_it_is_counted() -> None:
    decomposed = unicodedata.normalize("NFD", "각" * 200)
    assert len(decomposed) == 600
    assert protocol.clean(decomposed) == "각" * 200
    with pytest.raises(Refused, match="text"):
        protocol.clean("각" * 201)
    assert protocol.clean("🫨👩‍👩‍👧❤️🇰🇷")


@settings(deadline=None)
@given(st.text(max_size=300))
def test_what_is_clean_stays_so_and_is_what_openapi_says(text: str) -> None:
    try:
        said = protocol.clean(text)
    except Refused:
        return
    assert 1 <= len(said) <= 200
    assert protocol.clean(said) == said
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in said)
    frame = json.dumps({"type": "say", "ref": "r" * 64, "text": said}).encode()
    assert len(frame) <= protocol.MAX_BYTES
    assert protocol.parse(frame.decode()) == Say("r" * 64, said)


@given(
    st.one_of(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
)
def test_anything_else_is_refused_and_nothing_more(raw: str) -> None:
    with pytest.raises(Refused):
        protocol.parse(raw)


def test_where_a_client_was() -> None:
    assert protocol.after(None, ("kr", "us")) is None
    assert protocol.after("", ("kr", "us")) == {"kr": 0, "us": 0}
    assert protocol.after("us:7", ("kr", "us")) == {"kr": 0, "us": 7}
    for wrong in ("kr", "kr:x", "jp:1", "kr:1,kr:2", "kr:1,", "kr:٣", "kr:1\n"):
        with pytest.raises(ValueError, match="after"):
            protocol.after(wrong, ("kr", "us"))


def test_a_stored_message_gets_its_id_without_being_read() -> None:
    body = protocol.encode(type="message", text='"}{')
    assert json.loads(protocol.with_id("kr", 5, body)) == {"id": "kr-5", "type": "message", "text": '"}{'}
    assert protocol.split_id(protocol.message_id("kr", 5)) == ("kr", 5)
    assert protocol.instant(0) == "1970-01-01T00:00:00.000Z"


def test_a_bucket_fills_again() -> None:
    now = [0.0]
    bucket = Bucket(2.0, 3.0, lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
