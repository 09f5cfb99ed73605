"""Viewers: how a player and a chat's participant behave, on a clock that the test moves."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from onair.core.scenario import Reply, Socket
from onair.core.viewer.plan import Habits, ViewersPlan
from onair.core.viewer.talk import ANSWER_SECONDS, SILENCE_SECONDS, Talker
from onair.core.viewer.video import Player, Playlist

PATH = "/video/kr/index.m3u8"
Answers = Callable[[str, float], Reply]


def playlist(newest: int, window: int = 8) -> str:
    head = f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{newest - window + 1}\n"
    rows = (
        f"#EXT-X-PROGRAM-DATE-TIME:2026-11-29T00:00:00.000Z\n#EXTINF:2.000,\n{number}.m4s\n"
        for number in range(newest - window + 1, newest + 1)
    )
    return head + '#EXT-X-MAP:URI="init.mp4"\n' + "".join(rows)


def live(path: str, now: float) -> Reply:
    """Answer as an origin whose newest segment at second 0 is 100."""
    body = playlist(100 + int(now // 2)) if path == PATH else "media"
    return Reply("http-200", 200, body.encode(), "kr")


@dataclass
class Visit:
    """A visit on a clock of its own: it stands still but for pauses, requests and listening."""

    answers: Answers = live
    took: float = 0.05
    sockets: list[FakeSocket | None] = field(default_factory=list)
    elapsed: float = 0.0
    number: int = 7
    random: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    told: list[tuple[str, str, float, float, bool]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def ask(
        self,
        step: str,
        target: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: object = None,
        patience: float | None = None,
    ) -> Reply:
        self.asked.append(path)
        reply = self.answers(path, self.elapsed)
        self.elapsed += self.took
        return reply

    async def connect(self, step: str, target: str, path: str, *, headers: Mapping[str, str]) -> Socket | None:
        self.asked.append(path)
        socket = self.sockets.pop(0) if self.sockets else None
        if socket:
            socket.visit = self
        return socket

    def tell(self, step: str, outcome: str, *, since: float, ok: bool, region: str = "") -> None:
        self.told.append((step, outcome, since, self.elapsed, ok))

    async def pause(self, seconds: float) -> None:
        self.elapsed += seconds

    def outcomes(self) -> list[str]:
        return [outcome for _, outcome, *_ in self.told]


@dataclass
class FakeSocket:
    """Says what it is given, at its times of the visit; hears what is said, and answers by ``answer``."""

    coming: list[tuple[float, dict[str, Any]]]
    answer: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda said: {
        "type": "accepted",
        "ref": said["ref"],
        "id": "kr-1",
    }
    ends: float = float("inf")
    visit: Visit = field(default_factory=Visit)
    said: list[dict[str, Any]] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return self.visit.elapsed >= self.ends

    async def say(self, message: Mapping[str, Any]) -> None:
        self.said.append(dict(message))
        if (answer := self.answer(dict(message))) is not None:
            self.coming.append((self.visit.elapsed + 0.02, answer))

    async def hear(self, seconds: float) -> dict[str, Any] | None:
        self.coming.sort(key=lambda each: each[0])
        due = self.coming[0][0] if self.coming else float("inf")
        now = self.visit.elapsed
        self.visit.elapsed = min(max(due, now), now + seconds, max(self.ends, now))
        return self.coming.pop(0)[1] if due <= self.visit.elapsed else None

    async def close(self) -> None:
        self.ends = min(self.ends, self.visit.elapsed)


HELLO = {"type": "hello", "viewer": "a", "role": "viewer", "region": "kr", "viewers": 1}


def said(number: int, home: str = "kr") -> dict[str, Any]:
    return {"type": "message", "id": f"{home}-{number}", "text": "x"}


def test_a_playlist_is_read_as_far_as_a_player_needs_it() -> None:
    found = Playlist.read(playlist(100))
    assert found is not None
    assert (found.target, [s.number for s in found.after(None)]) == (2.0, [98, 99, 100])
    assert [(s.uri, s.duration) for s in found.after(99)] == [("100.m4s", 2.0)]


@pytest.mark.parametrize("text", ["", "#EXTM3U\n", "<html>", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.m4s\n"])
def test_what_is_no_playlist_with_segments_is_none(text: str) -> None:
    assert Playlist.read(text) is None


async def test_a_player_that_gets_each_segment_in_time_plays() -> None:
    visit = Visit()
    await Player(visit, "kr", PATH, {}).play(20.0)
    assert set(visit.outcomes()) == {"played"}
    assert len(visit.told) >= 10
    segments = [path for path in visit.asked if path.endswith(".m4s")]
    assert segments[:3] == ["/video/kr/98.m4s", "/video/kr/99.m4s", "/video/kr/100.m4s"]
    assert len(segments) == len(set(segments)), "each is fetched once"


async def test_a_short_trouble_is_not_seen_and_a_long_one_is_a_stall() -> None:
    def trouble(until: float) -> Answers:
        return lambda path, now: Reply("http-503", 503) if 8 <= now < until else live(path, now)

    short, long = Visit(trouble(10)), Visit(trouble(18))
    await Player(short, "kr", PATH, {}).play(30.0)
    assert set(short.outcomes()) == {"played"}, "some seconds are in hand"
    await Player(long, "kr", PATH, {}).play(30.0)
    stalls = [each for each in long.told if each[1] == "stall"]
    assert len(stalls) == 1, long.told
    _, _, since, ended, ok = stalls[0]
    assert not ok
    assert 11 < since < 16
    assert 18 <= ended < 19.5
    assert long.outcomes()[-1] == "played"


async def test_a_video_that_never_comes_and_one_that_stops_for_good_are_told() -> None:
    never = Visit(lambda *_: Reply("timeout"), took=1.0)
    await Player(never, "kr", PATH, {}).play(10.0)
    assert [(outcome, since) for _, outcome, since, *_ in never.told] == [("no-video", 0.0)]
    stopped = Visit(lambda path, now: live(path, now) if now < 4 else Reply("timeout"), took=0.3)
    await Player(stopped, "kr", PATH, {}).play(20.0)
    assert stopped.outcomes()[-1] == "stall"
    assert stopped.told[-1][3] >= 20.0


async def test_a_segment_that_is_gone_is_lost_and_the_next_one_plays() -> None:
    visit = Visit(lambda path, now: Reply("http-404", 404) if path.endswith("/101.m4s") else live(path, now))
    await Player(visit, "kr", PATH, {}).play(12.0)
    assert visit.outcomes().count("lost") == 1
    assert visit.outcomes()[-1] == "played"


async def talk(visit: Visit, until: float = 30.0, talks: float = 3.0) -> Visit:
    await Talker(visit, "kr", "seoul-table", {}, talks=talks, patience=10.0).talk(until)
    return visit


async def test_a_talker_says_after_the_greeting_and_tells_how_long_each_message_took() -> None:
    socket = FakeSocket([(0.1, HELLO), (0.1, said(3)), (9.0, said(4)), (10.0, said(5))])
    visit = await talk(Visit(sockets=[socket]))
    assert set(visit.outcomes()) == {"accepted"}
    assert len(visit.told) == len(socket.said) >= 4
    assert all(ended - since < 0.1 for _, _, since, ended, _ in visit.told)
    refs = [each["ref"] for each in socket.said]
    assert len(refs) == len(set(refs))


async def test_a_message_that_was_not_taken_is_said_again_under_the_same_name_and_nothing_is_missed() -> None:
    deaf = FakeSocket([(0.1, HELLO), (0.2, said(3)), (0.2, said(9, "us"))], answer=lambda _: None, ends=4.0)
    good = FakeSocket([(5.0, HELLO), (5.0, said(4))])
    visit = await talk(Visit(sockets=[deaf, None, good]))
    assert [path for path in visit.asked if "after" in path][-1].endswith("/socket?after=kr:3,us:9")
    assert good.said[0] == deaf.said[0]
    (_, outcome, since, ended, ok), *_ = visit.told
    assert (outcome, ok) == ("accepted", True)
    assert ended - since > 2.5, "the loss counts"


async def test_a_message_that_nobody_takes_is_given_up_after_the_viewer_s_patience() -> None:
    deaf = [FakeSocket([(0.0, HELLO)], answer=lambda _: None) for _ in range(9)]
    visit = await talk(Visit(sockets=[*deaf]), until=20.0)
    (_, outcome, since, ended, ok), *_ = visit.told
    assert (outcome, ok) == ("unanswered", False)
    assert 10 <= ended - since < 12
    assert deaf[0].said[0] == deaf[1].said[0], "it was said again before"


async def test_a_socket_on_which_a_message_waits_is_lost_and_the_next_one_takes_it() -> None:
    deaf, good = FakeSocket([(0.1, HELLO)], answer=lambda _: None), FakeSocket([(0.0, HELLO)])
    visit = await talk(Visit(sockets=[deaf, good]))
    assert good.said[0] == deaf.said[0]
    assert set(visit.outcomes()) == {"accepted"}
    (_, _, since, ended, _), *_ = visit.told
    assert ANSWER_SECONDS < ended - since < ANSWER_SECONDS + 2


async def test_a_socket_that_says_nothing_is_lost_and_one_with_a_beat_is_not() -> None:
    silent, good = FakeSocket([(0.1, HELLO)]), FakeSocket([(0.0, HELLO)])
    visit = await talk(Visit(sockets=[silent, good]), until=SILENCE_SECONDS + 5, talks=1e6)
    assert len([path for path in visit.asked if "socket" in path]) == 2
    beats = [(float(at), {"type": "viewers", "count": 1}) for at in range(5, 60, 5)]
    visit = await talk(Visit(sockets=[FakeSocket([(0.1, HELLO), *beats])]), until=50.0, talks=1e6)
    assert len(visit.asked) == 1


@pytest.mark.parametrize(("reason", "ok"), [("slow", True), ("busy", True), ("session", False)])
async def test_a_refusal_is_a_decision_or_trouble(reason: str, ok: bool) -> None:
    def refuse(message: dict[str, Any]) -> dict[str, Any]:
        return {"type": "refused", "ref": message["ref"], "reason": reason}

    visit = await talk(Visit(sockets=[FakeSocket([(0.1, HELLO)], answer=refuse)]))
    assert {(outcome, good) for _, outcome, _, _, good in visit.told} == {(f"refused-{reason}", ok)}


async def test_what_a_room_without_memory_did_not_take_is_said_again() -> None:
    refusals = iter(range(3))

    def refuse(message: dict[str, Any]) -> dict[str, Any]:
        if next(refusals, None) is None:
            return {"type": "accepted", "ref": message["ref"], "id": "kr-1"}
        return {"type": "refused", "ref": message["ref"], "reason": "away"}

    socket = FakeSocket([(0.1, HELLO)], answer=refuse)
    visit = await talk(Visit(sockets=[socket]), until=12.0)
    assert set(visit.outcomes()) == {"accepted"}
    assert [said["ref"] for said in socket.said[:4]] == [socket.said[0]["ref"]] * 4
    (_, _, since, ended, _), *_ = visit.told
    assert 3.0 < ended - since < 4.0


async def test_a_room_without_memory_is_given_up_after_the_viewer_s_patience() -> None:
    away = FakeSocket([(0.1, HELLO)], answer=lambda said: {"type": "refused", "ref": said["ref"], "reason": "away"})
    visit = await talk(Visit(sockets=[away]), until=14.0)
    assert visit.outcomes()[0] == "unanswered"


async def test_a_message_that_never_came_is_a_gap_and_holes_of_the_past_are_none() -> None:
    whole = FakeSocket([(0.1, HELLO), (0.1, said(3)), (0.1, said(7)), (12.0, said(8))])
    assert "gap" not in (await talk(Visit(sockets=[whole]))).outcomes()
    holed = FakeSocket([(0.1, HELLO), (0.1, said(3)), (12.0, said(5)), (13.0, said(6))])
    visit = await talk(Visit(sockets=[holed]))
    assert [ok for _, outcome, _, _, ok in visit.told if outcome == "gap"] == [False]


async def test_a_socket_that_is_drained_is_left_at_once() -> None:
    drained = FakeSocket([(0.1, HELLO), (5.0, {"type": "drain"})])
    other = FakeSocket([(5.0, HELLO)])
    visit = await talk(Visit(sockets=[drained, other]))
    assert drained.ends == 5.0
    assert other.said
    assert set(visit.outcomes()) == {"accepted"}


def test_a_plan_goes_to_the_command_line_and_back() -> None:
    plan = ViewersPlan.at(
        "https://localhost:8443/", geo="us", show="seoul-table", rate=2.0, duration=30.0, habits=Habits(buys=0.5)
    )
    assert plan.targets == {"kr": "https://localhost:8443", "us": "https://localhost:8443"}
    words = plan.argv()
    assert words[0] == "https://localhost:8443"
    pairs = dict(zip(words[1::2], words[2::2], strict=True))
    assert pairs == {"--geo": "us", "--show": "seoul-table", "--rate": "2.0", "--duration": "30.0", "--buys": "0.5"}


def test_a_stay_has_bounds() -> None:
    draw = random.Random(1)  # noqa: S311
    stays = [Habits(stays=20).stay(draw) for _ in range(500)]
    assert 2 <= min(stays) < max(stays) <= 90
    assert 15 < sum(stays) / len(stays) < 25
