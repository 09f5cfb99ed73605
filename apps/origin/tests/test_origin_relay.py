from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from origin.relay import RelayState

TAKEOVER, HANDBACK = 3.0, 5.0


def test_takes_over_after_silence_and_hands_back_after_health() -> None:
    state = RelayState(TAKEOVER, HANDBACK, last_success=100)
    seen = []
    for now in (102.9, 103):
        state.failure(now)
        seen.append(state.role)
    assert seen == ["relay", "takeover"]
    for now in (104, 105, 106, 107, 108):
        state.success(now)
        assert state.role == "takeover"
    state.success(109)
    assert state.role == "relay"


def test_a_flapping_publisher_is_not_handed_back_to() -> None:
    state = RelayState(TAKEOVER, HANDBACK, last_success=0)
    state.failure(3)
    for now in range(4, 200):
        (state.failure if now % 4 == 0 else state.success)(now)
        assert state.role == "takeover"


@given(st.lists(st.tuples(st.floats(0.1, 3), st.booleans()), max_size=200))
def test_role_follows_from_the_outcomes(steps: list[tuple[float, bool]]) -> None:
    state = RelayState(TAKEOVER, HANDBACK, last_success=0)
    now, last_success, streak = 0.0, 0.0, None
    for gap, success in steps:
        now += gap
        before = state.role
        (state.success if success else state.failure)(now)
        if success:
            last_success, streak = now, now if streak is None else streak
        else:
            streak = None
        if before == "relay" and state.role == "takeover":
            assert now - last_success >= TAKEOVER
        if before == "takeover" and state.role == "relay":
            assert streak is not None
            assert now - streak >= HANDBACK
