from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onair_common.settings import SettingError
from origin.keys import StreamKeys

KEYS = {channel: f"{channel}-" + 8 * "key" for channel in ("kr", "us")}


def test_a_key_opens_its_channel() -> None:
    keys = StreamKeys(KEYS)
    assert [keys.channel(KEYS[name]) for name in ("kr", "us")] == ["kr", "us"]


@given(st.text(max_size=60))
def test_nothing_else_opens_one(given: str) -> None:
    assert given in KEYS.values() or StreamKeys(KEYS).channel(given) is None


@pytest.mark.parametrize("given", [KEYS["kr"], KEYS["us"], KEYS["kr"][:-1], "", "열쇠"])
def test_every_key_is_compared_whole_whatever_was_given(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    plain = hmac.compare_digest

    def watched(a: bytes, b: bytes) -> bool:
        seen.append((len(a), len(b)))
        return plain(a, b)

    monkeypatch.setattr("hmac.compare_digest", watched)
    StreamKeys(KEYS).channel(given)
    assert seen == [(32, 32), (32, 32)], "as many comparisons of as many bytes for every key"


def test_unfit_keys_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingError, match="STREAM_KEY_KR: shorter than 20") as short:
        StreamKeys({"kr": "guessme"})
    assert "guessme" not in str(short.value)
    with pytest.raises(SettingError, match="the same key"):
        StreamKeys({"kr": KEYS["kr"], "us": KEYS["kr"]})


def test_a_channel_without_a_key_cannot_be_published_to() -> None:
    keys = StreamKeys.read({"STREAM_KEY_KR": KEYS["kr"], "STREAM_KEY_US": ""}, ("kr", "us"))
    assert keys.channel("") is None
    assert keys.channel(KEYS["kr"]) == "kr"
