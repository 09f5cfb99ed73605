from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from origin.channel import SLOTS_WITH_PARTS, Channel
from origin.run import MAX_SLOT_BYTES, PART_SECONDS, Cutter, Part, Run, RunError
from origin.timeline import SEGMENT_SECONDS, WINDOW, live_edge, on_offer

INSTANTS = st.floats(1.6e9, 4e9)
GAPS = st.floats(0, 10_000)
START = 1_795_423_500.0


@dataclass
class Listed:
    """A playlist as a player reads it."""

    text: str
    first: int
    discontinuity: int
    urls: dict[int, str] = field(default_factory=dict)
    """Number → address of every segment that is whole."""
    maps: dict[int, str] = field(default_factory=dict)
    dates: dict[int, float] = field(default_factory=dict)
    sequences: dict[int, int] = field(default_factory=dict)
    durations: dict[int, float] = field(default_factory=dict)
    parts: dict[int, list[str]] = field(default_factory=dict)


def read(text: str) -> Listed:
    def value(tag: str, default: str) -> str:
        found = re.search(rf"^#EXT-X-{tag}:(\S+)$", text, re.M)
        return found[1] if found else default

    listed = Listed(text, int(value("MEDIA-SEQUENCE", "")), int(value("DISCONTINUITY-SEQUENCE", "0")))
    number, sequence, address = listed.first, listed.discontinuity, ""
    for line in text.splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            sequence += 1
        elif found := re.match(r'#EXT-X-MAP:URI="(.+)"', line):
            address = found[1]
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            listed.dates[number] = datetime.fromisoformat(line.partition(":")[2]).timestamp()
        elif found := re.match(r'#EXT-X-PART:.*URI="([^"]+)"', line):
            listed.parts.setdefault(number, []).append(found[1])
        elif found := re.match(r"#EXTINF:([\d.]+),", line):
            listed.durations[number] = float(found[1])
        elif not line.startswith("#"):
            listed.urls[number], listed.maps[number], listed.sequences[number] = line, address, sequence
            number += 1
    return listed


def stand_in(now: float) -> Listed:
    return read(Channel("kr").playlist(now))


@given(INSTANTS, GAPS)
def test_any_two_instants_agree_and_the_window_never_goes_back(now: float, gap: float) -> None:
    early, late = stand_in(now), stand_in(now + gap)
    assert all(early.dates[n] == late.dates[n] for n in early.urls.keys() & late.urls.keys())
    assert late.first >= early.first
    if gap <= SEGMENT_SECONDS:
        assert len(early.urls.keys() & late.urls.keys()) >= WINDOW - 2, "a reload must overlap with what the player has"


@given(INSTANTS)
def test_the_window_is_whole_and_past(now: float) -> None:
    listed = stand_in(now)
    assert list(listed.urls) == list(range(listed.first, live_edge(now) + 1))
    assert len(listed.urls) == WINDOW
    newest = max(listed.dates.values())
    assert newest + SEGMENT_SECONDS <= now, "only complete segments"
    assert now - newest < 2 * SEGMENT_SECONDS
    assert all(on_offer(n, now) and on_offer(n, now + WINDOW * SEGMENT_SECONDS - SEGMENT_SECONDS) for n in listed.urls)
    assert "PART" not in listed.text, "the stand-in is no low-latency stream"


class Crossings(RuleBasedStateMachine):
    """Publications come and go on a channel; what a player was told once must stay true."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.channel = Channel("kr")
        self.cutter: Cutter | None = None
        self.media = 0.0
        self.idents = 0
        self.seen = read(self.channel.playlist(self.now))

    @rule(seconds=st.floats(0.01, 7))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.channel.run:
            self.media = max(self.media, self.now - 8)  # a stall is bounded: the connection would be cut
            if self.now - self.channel.run.slots[-1].start > 9:
                self.channel.end()

    @rule(late=st.floats(0, 1.5))
    def begin(self, late: float) -> None:
        self.channel.end()
        self.idents += 1
        self.media = self.now
        self.now += late
        run = Run(f"{self.idents:08x}", "kr", self.media, b"init", 0)
        self.cutter = Cutter(run, self.channel.edge(self.now) + 1)
        self.add(PART_SECONDS, True, run)
        self.channel.begin(run)

    @precondition(lambda self: not self.channel.run)
    @rule(lag=st.integers(-2, 6), kept=st.integers(0, 3))
    def reserve(self, lag: int, kept: int) -> None:
        newest = live_edge(self.now) - lag
        number = self.channel.reserve(newest - kept, newest, self.now)
        assert number > self.channel.edge(self.now)

    @precondition(lambda self: not self.channel.run)
    @rule()
    def release(self) -> None:
        self.channel.release()

    @precondition(lambda self: self.channel.run)
    @rule(lengths=st.lists(st.floats(0.2, 0.6), max_size=12), key=st.booleans())
    def publish(self, lengths: list[float], key: bool) -> None:
        for length in lengths:
            try:
                self.add(length, key, self.channel.run)
            except RunError:
                self.channel.end()
                return

    def add(self, length: float, key: bool, run: Run | None) -> None:
        assert self.cutter
        assert run
        self.now = max(self.now, self.media + length)
        self.cutter.add(self.media, Part(length, key, b"x"), self.now)
        self.media += length

    @precondition(lambda self: self.channel.run)
    @rule()
    def end(self) -> None:
        self.channel.end()

    @invariant()
    def what_was_told_stays_true(self) -> None:
        listed = read(self.channel.playlist(self.now))
        assert list(listed.urls) == list(range(listed.first, listed.first + WINDOW))
        assert listed.first >= self.seen.first, "the window went back"
        for number in listed.urls.keys() & self.seen.urls.keys():
            assert listed.urls[number] == self.seen.urls[number], "a segment became another"
            assert listed.maps[number] == self.seen.maps[number]
            assert listed.sequences[number] == self.seen.sequences[number], "discontinuities were counted anew"
        assert all(d <= SEGMENT_SECONDS + 0.5 + 0.6 for d in listed.durations.values())
        assert ("EXT-X-PART-INF" in listed.text) == (self.channel.run is not None)
        assert set(listed.parts) <= set(range(listed.first + WINDOW - SLOTS_WITH_PARTS, listed.first + WINDOW + 1))
        for number, parts in self.seen.parts.items():
            assert listed.parts.get(number, parts)[: len(parts)] == parts
        self.seen = listed


TestCrossings = Crossings.TestCase


def run_of(lengths: list[float], started: float = START + 0.7) -> Run:
    run = Run("00000001", "kr", started, b"init", 0)
    cutter = Cutter(run, live_edge(started) + 1)
    at = started
    for index, length in enumerate(lengths):
        cutter.add(at, Part(length, index % 4 == 0, b"x"), at + length)
        at += length
    return run


@given(st.floats(0, 2), st.floats(-0.001, 0.001))
def test_key_frames_every_two_seconds_begin_every_segment(offset: float, rounding: float) -> None:
    run = run_of([0.5 + rounding, 0.5 - rounding, 0.5, 0.5] * 6, START + offset)
    assert [len(slot.parts) for slot in run.slots] == [4] * 6
    assert all(slot.parts[0].independent for slot in run.slots)
    assert run.slots[0].number == live_edge(START + offset) + 1


def test_segments_keep_to_the_clock_whatever_the_key_frames() -> None:
    run = run_of([0.4904] * 1000)
    for slot in run.slots:
        assert abs(slot.start - slot.number * SEGMENT_SECONDS) < SEGMENT_SECONDS + 0.6
        assert slot.duration < 2.5 or not slot.complete


@pytest.mark.parametrize(
    ("start", "part", "now", "said"),
    [
        (START + 1.6, Part(0.5, True, b""), START + 2.1, "jump by 1.1 s"),
        (START - 1, Part(0.5, True, b""), START, "jump by -1.5 s"),
        (START + 0.5, Part(0.5, True, b""), START - 3, "ahead of the clock"),
        (START + 0.5, Part(0.5, True, b""), START + 12, "late"),
        (START + 0.5, Part(0.5, True, bytes(MAX_SLOT_BYTES)), START + 1, "17 Mbit/s"),
    ],
)
def test_what_cannot_be_shown_in_time_is_refused(start: float, part: Part, now: float, said: str) -> None:
    cutter = Cutter(Run("00000001", "kr", START, b"init", 0), 1)
    cutter.add(START, Part(0.5, True, b"x"), START + 0.5)
    with pytest.raises(RunError, match=said):
        cutter.add(start, part, now)


async def test_a_blocking_reload_waits_for_its_part_and_no_longer() -> None:
    channel = Channel("kr")
    await channel.reached(10**9, None, 60)  # nothing is published: nothing to wait for
    run = run_of([0.5])
    channel.begin(run)
    number = run.slots[0].number
    await channel.reached(number, 0, 60)
    await channel.reached(number - 1, None, 60)
    await channel.reached(number, 1, 0.01)
    channel.end()
    await channel.reached(number, None, 60)
