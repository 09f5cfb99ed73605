from __future__ import annotations

import contextlib
import itertools
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtmp_client import CHUNK, command, greeting, opening

from origin import amf
from origin.chunks import Chunks, Message, RtmpError, message
from origin.rtmp import HANDSHAKE, MAX_BYTES_BEFORE_PUBLISH, MAX_MEDIA_BYTES, End, Event, Media, Publish, Session

KEY = 8 * "key-"
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=8,
)


def talk(session: Session, data: bytes, *, accept: bool = True) -> list[Event]:
    session.receive(data)
    found = []
    for event in session.events():
        found.append(event)
        if isinstance(event, Publish) and accept:
            session.accept()
    return found


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


@given(st.lists(VALUES, max_size=6))
def test_amf_is_read_as_it_is_written(values: list[amf.Value]) -> None:
    assert amf.decode(amf.encode(*values)) == values


@given(st.binary(max_size=400))
def test_amf_of_any_bytes_ends(data: bytes) -> None:
    with contextlib.suppress(amf.AmfError):
        amf.decode(data)


@given(st.binary(max_size=6000), st.lists(st.integers(0, 10_000), max_size=8), st.booleans())
def test_any_bytes_in_any_pieces_end_in_events_or_an_rtmp_error(data: bytes, cuts: list[int], opened: bool) -> None:
    session = Session()
    with contextlib.suppress(RtmpError):
        if opened:
            talk(session, opening("live", KEY))
        for piece in pieces(data if opened else b"\x03" + data, cuts):
            talk(session, piece)
            session.answers()


@given(st.binary(max_size=40), st.integers(0, 4000), st.lists(st.integers(0, 5000), max_size=6))
def test_a_spoilt_publication_ends_in_events_or_an_rtmp_error(noise: bytes, at: int, cuts: list[int]) -> None:
    whole = opening("live", KEY) + message(4, 9, 1, b"\x17\x01" + bytes(300), CHUNK)
    spoilt = whole[:at] + noise + whole[at + len(noise) :]
    session = Session()
    with contextlib.suppress(RtmpError):
        for piece in pieces(spoilt, cuts):
            talk(session, piece)


MESSAGES = st.lists(
    st.tuples(st.sampled_from([8, 9]), st.integers(0, 0x1FFFFFF), st.binary(min_size=1, max_size=700)), max_size=6
)


def interleaved(messages: list[tuple[int, int, bytes]]) -> bytes:
    """Each message on a chunk stream of its own kind, with full headers, extended timestamps where needed."""
    out = b""
    for kind, time, payload in messages:
        stream, extended = kind - 2, time >= 0xFFFFFF
        stamp = time.to_bytes(4, "big") if extended else b""
        head = bytes([stream]) + min(time, 0xFFFFFF).to_bytes(3, "big") + len(payload).to_bytes(3, "big")
        head += bytes([kind]) + (1).to_bytes(4, "little") + stamp
        cut = [payload[i : i + CHUNK] for i in range(0, len(payload), CHUNK)]
        out += head + (bytes([0xC0 | stream]) + stamp).join(cut)
    return out


@given(MESSAGES, st.lists(st.integers(0, 20_000), max_size=10))
def test_a_publication_is_the_same_however_it_is_cut(messages: list[tuple[int, int, bytes]], cuts: list[int]) -> None:
    session = Session()
    events: list[Event] = []
    data = opening("live", KEY) + interleaved(messages) + command("FCUnpublish", 6, None, KEY)
    for piece in pieces(data, cuts):
        events += talk(session, piece)
    assert events == [Publish("live", KEY), *(Media(*m) for m in messages), End()]


@given(st.binary(min_size=1, max_size=600), st.integers(0, 1000), st.integers(1, 1000))
def test_short_headers_go_on_from_the_last(payload: bytes, first: int, delta: int) -> None:
    chunks = Chunks(10_000)
    head = b"\x04" + first.to_bytes(3, "big") + len(payload).to_bytes(3, "big") + b"\x09" + b"\x01\0\0\0"
    cut = [payload[i : i + CHUNK] for i in range(0, len(payload), CHUNK)]
    body = b"\xc4".join(cut)
    buffer = bytearray(head + body + b"\x84" + delta.to_bytes(3, "big") + body + b"\xc4" + body)
    times = []
    while got := chunks.next(buffer):
        assert got.payload == payload
        times.append(got.timestamp)
    assert times == [first, first + delta, first + 2 * delta]
    assert not buffer


def test_the_answers_are_those_that_obs_waits_for() -> None:
    session = Session()
    assert talk(session, greeting()) == []
    hello = session.answers()
    assert hello[0] == 3
    assert len(hello) == 1 + 2 * HANDSHAKE
    assert hello[1 + HANDSHAKE :] == greeting()[1:]
    events = talk(session, opening("live", KEY)[len(greeting()) :], accept=False)
    assert events == [Publish("live", KEY)]
    session.accept()
    assert b"NetConnection.Connect.Success" in (told := session.answers())
    assert b"NetStream.Publish.Start" in told
    assert KEY.encode() not in told
    session.refuse("no")
    assert b"NetStream.Publish.BadName" in session.answers()


def test_nothing_is_taken_before_the_key_is_accepted() -> None:
    session = Session()
    media = message(4, 9, 1, b"\x17\x01picture", CHUNK)
    events = talk(session, opening("live", KEY) + media, accept=False)
    assert events == [Publish("live", KEY)]
    assert list(session.events()) == []
    session.accept()
    assert list(session.events()) == [Media(9, 0, b"\x17\x01picture")]


def test_a_key_is_never_shown() -> None:
    assert KEY not in repr(Publish("live", KEY))


def head(length: int, stream: int = 3) -> bytes:
    return bytes([stream]) + bytes(3) + length.to_bytes(3, "big") + b"\x14" + bytes(4)


def connected() -> bytes:
    return greeting() + bytes(HANDSHAKE) + command("connect", 1, {"app": "live"})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GET / HTTP/1.1\r\n", "first byte is 71"),
        (b"\x16\x03\x01", "first byte is 22"),
        (greeting() + bytes(HANDSHAKE) + head(9000), "9000 bytes"),
        (greeting() + bytes(HANDSHAKE) + b"\xc3", "without a full header"),
        (greeting() + bytes(HANDSHAKE) + message(2, 1, 0, bytes(4), CHUNK), "chunk size of 0"),
        (greeting() + bytes(HANDSHAKE) + message(2, 1, 0, bytes([0xFF] * 4), CHUNK), "chunk size of 4294967295"),
        (greeting() + bytes(HANDSHAKE) + message(3, 20, 0, b"\x02\xff\xffconnect", CHUNK), "cut off"),
        (greeting() + bytes(HANDSHAKE) + command("publish", 1, None, KEY), "before connect"),
        (connected() + command("connect", 1, {"app": "live"}), "second one"),
        (connected() + command("publish", 1, None, 7.0), "stream key"),
        (connected() + command("play", 1, None, "x"), "wants to play"),
        (connected() + message(3, 22, 0, b"x", CHUNK), "aggregate"),
        (greeting() + bytes(HANDSHAKE) + head(300) + bytes(128) + head(300), "was whole"),
        (greeting() + bytes(HANDSHAKE) + b"".join(head(200, n) + bytes(128) for n in range(2, 40)), "12 chunk streams"),
        (greeting() + bytes(HANDSHAKE) + command("x", "y" * 1000) * 70, f"{MAX_BYTES_BEFORE_PUBLISH} bytes"),
    ],
)
def test_what_no_publisher_sends_is_refused_by_name(data: bytes, said: str) -> None:
    session = Session()
    with pytest.raises(RtmpError, match=said):
        deque(talk(session, data[at : at + 1000]) for at in range(0, len(data), 1000))


def test_large_messages_are_taken_from_publishers_only() -> None:
    session = Session()
    talk(session, opening("live", KEY))
    big = head(MAX_MEDIA_BYTES + 1, 6)
    with pytest.raises(RtmpError, match=f"{MAX_MEDIA_BYTES + 1} bytes"):
        talk(session, big)


def test_a_second_publish_is_refused() -> None:
    session = Session()
    talk(session, opening("live", KEY))
    with pytest.raises(RtmpError, match="second one"):
        talk(session, command("publish", 6, None, KEY))


def test_an_abort_drops_what_was_begun() -> None:
    chunks = Chunks(1000)
    buffer = bytearray(head(300) + bytes(128) + message(2, 2, 0, (3).to_bytes(4, "big"), CHUNK) + head(2) + b"ok")
    assert chunks.next(buffer) == Message(20, 0, b"ok")
