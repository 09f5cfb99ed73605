from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from starlette.requests import HTTPConnection

from onair_common.identity import COOKIE, MAX_COOKIE, SESSION_SECONDS, Sessions, Viewer, valid_nickname
from onair_common.settings import SettingError

NOW = 1_800_000_000
OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
SESSIONS = Sessions([NEW], now=lambda: NOW)

nicknames = st.text(min_size=1, max_size=24).filter(valid_nickname)
viewers = st.builds(
    Viewer,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    nickname=nicknames,
    role=st.sampled_from(["viewer", "seller"]),
    expires=st.integers(NOW + 1, NOW + 43200),
)
AYA = Viewer("a" * 32, "아야", "viewer", NOW + 60)


def scope(*cookies: str, kind: str = "http") -> dict[str, object]:
    return {"type": kind, "headers": [(b"cookie", c.encode("latin-1", "replace")) for c in cookies]}


@given(viewers)
def test_a_session_comes_back_as_it_was_issued(viewer: Viewer) -> None:
    cookie = SESSIONS.issue(viewer)
    assert SESSIONS.viewer(cookie) == viewer
    assert len(cookie) < MAX_COOKIE / 2
    assert SESSIONS.of(scope(f"a=1; {COOKIE}={cookie}")) == viewer, "it fits a Cookie header"
    assert SESSIONS.of(HTTPConnection(scope("a=1", f"{COOKIE}={cookie}", kind="websocket"))) == viewer


@given(viewers, st.data())
def test_no_altered_cookie_is_accepted(viewer: Viewer, data: st.DataObject) -> None:
    cookie = SESSIONS.issue(viewer)
    at = data.draw(st.integers(0, len(cookie)))
    cut = data.draw(st.integers(0, 3))
    with_ = data.draw(st.text(st.characters(codec="ascii"), max_size=3))
    altered = cookie[:at] + with_ + cookie[at + cut :]
    assert altered == cookie or SESSIONS.viewer(altered) is None


@given(st.text(max_size=200))
def test_nothing_made_up_is_accepted(cookie: str) -> None:
    assert SESSIONS.viewer(cookie) is None
    assert SESSIONS.of(scope(f"{COOKIE}={cookie}")) is None


@given(viewers)
def test_no_cookie_of_another_key_salt_or_signature_is_accepted(viewer: Viewer) -> None:
    fields = [viewer.id, viewer.nickname, "seller", viewer.expires]
    payload = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    genuine = SESSIONS.issue(viewer)
    forged = [
        Sessions([OTHER], now=lambda: NOW).issue(viewer),
        str(URLSafeSerializer(NEW, salt="onair.csrf").dumps(fields)),
        f"{payload}.{genuine.rsplit('.', 1)[1]}",
        f"{payload}.{SESSIONS.csrf(viewer)}",
        payload,
    ]
    assert [SESSIONS.viewer(cookie) for cookie in forged] == [None] * len(forged)


@given(viewers, st.integers(-43200 * 1000, 43200 * 1000).map(lambda ms: ms / 1000))
def test_a_session_ends_when_it_says(viewer: Viewer, after: float) -> None:
    late = Sessions([NEW], now=lambda: viewer.expires + after)
    assert (late.viewer(SESSIONS.issue(viewer)) is None) == (after >= 0)


def test_a_cookie_that_is_remembered_ends_all_the_same() -> None:
    now = [float(NOW)]
    sessions = Sessions([NEW], lambda: now[0])
    cookie, token = sessions.issue(AYA), sessions.csrf(AYA)
    for _ in range(3):
        assert sessions.viewer(cookie) == AYA
        assert sessions.csrf_valid(AYA, token)
        assert sessions.viewer(cookie[:-2]) is None
    now[0] = AYA.expires
    assert sessions.viewer(cookie) is None
    now[0] += 2 * SESSION_SECONDS
    assert not sessions.csrf_valid(AYA, token)


@given(viewers)
def test_a_key_is_replaced_without_signing_anybody_out(viewer: Viewer) -> None:
    before, during, after = (Sessions(k, now=lambda: NOW) for k in ([OLD], [NEW, OLD], [NEW]))
    assert during.viewer(before.issue(viewer)) == viewer
    assert during.csrf_valid(viewer, before.csrf(viewer))
    assert after.viewer(during.issue(viewer)) == viewer, "the newest key signs"
    assert after.csrf_valid(viewer, during.csrf(viewer))
    assert after.viewer(before.issue(viewer)) is None
    assert not after.csrf_valid(viewer, before.csrf(viewer))


@given(viewers, viewers, st.text(max_size=60))
def test_a_csrf_token_is_bound_to_its_session(viewer: Viewer, other: Viewer, made_up: str) -> None:
    token = SESSIONS.csrf(viewer)
    assert SESSIONS.csrf_valid(viewer, token)
    assert SESSIONS.csrf_valid(replace(viewer, expires=viewer.expires + 100), token), "a renewal keeps open forms good"
    assert SESSIONS.csrf_valid(other, token) == ((viewer.id, viewer.role) == (other.id, other.role))
    promoted = replace(viewer, role="seller" if viewer.role == "viewer" else "viewer")
    assert not SESSIONS.csrf_valid(promoted, token)
    assert [SESSIONS.csrf_valid(viewer, bad) for bad in (None, "", made_up, token[:-1], token + "A")] == [False] * 5


def test_a_csrf_token_outlives_a_session_and_not_two() -> None:
    now = [0.0]
    sessions = Sessions([NEW], lambda: now[0])
    viewer = Viewer("a" * 32, "Kim", "seller", 10**9)
    for begun in (0, 1, SESSION_SECONDS - 1):
        now[0] = 100 * SESSION_SECONDS + begun
        token = sessions.csrf(viewer)
        now[0] += SESSION_SECONDS
        assert sessions.csrf_valid(viewer, token)
        now[0] += SESSION_SECONDS
        assert not sessions.csrf_valid(viewer, token)
        period, _, signature = token.partition(".")
        assert not sessions.csrf_valid(viewer, f"{int(period) + 2}.{signature}"), "its period is signed"


def test_a_signed_cookie_of_another_shape_is_nobody() -> None:
    for content in ([], "x", {"id": 1}, [*("a" * 32, "b", "admin"), NOW + 9], [*("a" * 32, "b", "viewer"), NOW + 0.5]):
        cookie = SESSIONS._cookies.dumps(content)
        assert SESSIONS.viewer(str(cookie)) is None
    assert SESSIONS.viewer(SESSIONS.issue(AYA) + "A" * MAX_COOKIE) is None
    assert SESSIONS.of(scope()) is None


@pytest.mark.parametrize("nickname", ["", " ", "x" * 25, "a\nb", "a\x00", "a\u202eb", "a\u2028b", "\x7f"])
def test_refuses_a_nickname_that_would_break_a_page(nickname: str) -> None:
    with pytest.raises(ValueError, match="nickname"):
        replace(AYA, nickname=nickname)


@pytest.mark.parametrize(("field", "value"), [("id", "a"), ("id", "A" * 32), ("role", "admin"), ("expires", True)])
def test_refuses_other_wrong_fields(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        replace(AYA, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("keys", ["", "short", f"{NEW},", f"{NEW},short"])
def test_refuses_keys_that_are_missing_or_short(keys: str) -> None:
    with pytest.raises(SettingError, match="SESSION_KEYS"):
        Sessions.read({"SESSION_KEYS": keys})


def test_reads_keys_newest_first() -> None:
    read = Sessions.read({"SESSION_KEYS": f"{NEW}, {OLD}"})
    lasting = replace(AYA, expires=2**33)
    assert Sessions([NEW]).viewer(read.issue(lasting)) == lasting
    assert read.viewer(Sessions([OLD]).issue(lasting)) == lasting
