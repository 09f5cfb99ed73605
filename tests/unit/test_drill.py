"""Drills: files, the order of things, the verdict of the clients' logs, and the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import Recorder, findings_of

from onair.adapters.drill import run
from onair.adapters.drill_picture import HASHED, draw
from onair.adapters.report_html import html
from onair.cli import drill as command
from onair.cli.app import main
from onair.core.drill.moves import Expectation, Fault
from onair.core.drill.plan import Bounds, Drill, choose, parse
from onair.core.drill.report import RECORDS, REPORT, markdown
from onair.core.drill.report_words import LANGUAGES, WORDS
from onair.core.drill.result import Event, Run, breaches, seen, window
from onair.core.finding import Finding, OnairError
from onair.core.load_result import Answer, Measured
from onair.core.load_result import Recorder as LoadRecorder
from onair.core.purchase import Attempt
from onair.core.viewer.plan import Region, ViewersPlan, ViewersResult

ROOT = Path(__file__).resolve().parents[2]
FILE = yaml.safe_load((ROOT / "drills/region-loss.yaml").read_text())


def drill(**changes: Any) -> Drill:
    spec = FILE["spec"] | {"traffic": {"kr": 20, "us": 20}, "sessions": {}} | changes
    return parse({"drills/region-loss.yaml": FILE | {"spec": spec}})["region-loss"]


def measured(*failed: float, seconds: int = 40, rate: int = 10) -> Measured:
    """Build a log of ``rate`` answers a second, those due at ``failed`` lost for half a second each."""
    log = LoadRecorder(1.0)
    for number in range(seconds * rate):
        due = number / rate
        lost = due in failed
        ended = due + (0.5 if lost else 0.02)
        log.add(Answer(due, due, ended, "timeout" if lost else "http-200", not lost, region="" if lost else "kr"))
    return log.measured(0.0, seconds, 0.0, interrupted=False)


@dataclass
class Load:
    world: World
    running: bool = True
    began: float = field(default_factory=time.time)

    def stop(self) -> Measured:
        self.running = False
        self.world.did.append("stop")
        return self.world.log.model_copy(update={"started_at": self.began})


@dataclass
class Crowd:
    world: World
    geo: Region
    running: bool = True
    began: float = field(default_factory=time.time)

    def stop(self) -> ViewersResult:
        self.running = False
        self.world.did.append("stop crowd")
        log, video = (
            each.model_copy(update={"started_at": self.began})
            for each in (self.world.log, self.world.video or self.world.log)
        )
        plan = ViewersPlan.at("http://127.0.0.1:1", geo=self.geo, show="tea")
        steps = {"browse": log, "watch": video, "playlist": log}
        return ViewersResult(plan=plan, sessions=log, steps=steps, purchases=[Attempt(1, self.geo, "s", "kr-1")])


@dataclass
class Sale:
    world: World

    def close(self) -> None:
        self.world.did.append("close")

    def count(self, purchases: Sequence[Attempt]) -> dict[str, int]:
        self.world.did.append(f"count {len(purchases)}")
        return self.world.books


@dataclass
class World:
    """A world that remembers what was done to it."""

    log: Measured = field(default_factory=measured)
    video: Measured | None = None
    books: dict[str, int] = field(default_factory=dict)
    answer: Callable[[Expectation], bool | str] = lambda _: True
    fault: Callable[[], None] = lambda: None
    commit: str = "abc"
    machine: str = "small"
    did: list[str] = field(default_factory=list)

    def load(self, viewers: str, rate: float) -> Load:
        self.did.append(f"load {viewers} {rate:g}")
        return Load(self)

    def visit(self, viewers: Region, rate: float) -> Crowd:
        self.did.append(f"visit {viewers} {rate:g}")
        return Crowd(self, viewers)

    def sell(self) -> Sale:
        self.did.append("sell")
        return Sale(self)

    def inject(self, fault: Fault) -> str:
        self.did.append(str(fault))
        self.fault()
        return "done"

    def heal(self) -> None:
        self.did.append("heal")

    def look(self, expected: Expectation) -> bool | str:
        return self.answer(expected)

    def shoot(self, drill: str, moment: str) -> dict[str, str]:
        self.did.append(f"shoot {moment}")
        return {f"{moment} kr": f"{drill}/{moment}-kr.jpg"}


CUT = "cut edge:local-kr, inter-region:local-kr:local-us"


def test_every_drill_of_the_repository_reads() -> None:
    drills = command.read(ROOT)
    assert len(drills) > 5
    assert all(each.spec.during or each.spec.holdSeconds for each in drills.values()), "a fault that nobody looks at"
    assert all({"kr", "us"} == set(each.spec.traffic) for each in drills.values())


def test_the_order_of_things() -> None:
    world, said = World(), Recorder()
    made = run(drill(holdSeconds=0), world, said, steady=0)
    assert world.did == [
        "load kr 20",
        "load us 20",
        "shoot before",
        CUT,
        "shoot during",
        "heal",
        "shoot after",
        "stop",
        "stop",
    ]
    assert [event.kind for event in made.events] == ["fault", "injected", "seen", "heal", "seen", "seen"]
    assert made.screens == {f"{x} kr": f"region-loss/{x}-kr.jpg" for x in ("before", "during", "after")}
    assert any("served by us after 0.0 s" in note for note in said.notes)


SESSIONS = {"kr": 0.5, "us": 0.5}


def test_viewers_come_in_behind_a_drill_and_the_books_are_counted_after_it() -> None:
    world = World(books={"oversold": 0})
    made = run(drill(sessions=SESSIONS, holdSeconds=0, screens=False), world, Recorder(), steady=0)
    assert world.did[:5] == ["sell", "visit kr 0.5", "visit us 0.5", "load kr 20", "load us 20"]
    assert world.did[-3:] == ["stop crowd", "close", "count 2"]
    assert {name: sorted(each) for name, each in made.sessions.items()} == {n: ["browse", "watch"] for n in SESSIONS}
    assert made.books == {"oversold": 0}


def test_what_viewers_noticed_is_judged_by_the_bounds_of_what_they_did() -> None:
    world = World(video=measured(11.0, 14.0), books={"oversold": 2, "charged twice": 0})
    strict = {"errorSeconds": 2}
    made = run(drill(sessions=SESSIONS, holdSeconds=0, screens=False, bounds=strict), world, Recorder(), steady=0)
    assert "viewers of kr, watch: errors for 3.5 s after the healing; 2 s are allowed" in made.breaches
    assert "the books: oversold 2" in made.breaches
    assert not any("browse: errors" in breach for breach in made.breaches)
    lax = {"errorSeconds": 2, "sessions": {"watch": {"errorSeconds": 5}}, "lost": True}
    made = run(drill(sessions=SESSIONS, holdSeconds=0, screens=False, bounds=lax), world, Recorder(), steady=0)
    assert made.breaches == [b for b in made.breaches if "nothing was asked" in b]
    share = {"errorSeconds": 5, "sessions": {"watch": {"errorSeconds": 5, "failedShare": 0.001}}}
    made = run(drill(sessions=SESSIONS, holdSeconds=0, screens=False, bounds=share), world, Recorder(), steady=0)
    assert "4 of 800 outcomes of watch failed; a share of 0.001 is allowed" in made.breaches


def test_a_drill_may_begin_with_a_region_that_is_not_there() -> None:
    gone = [{"destroy": {"cluster": "local-us"}}]
    launch = [{"launch": {"cluster": "local-us"}}]
    world = World()
    run(drill(before=gone, faults=launch, holdSeconds=0, screens=False), world, Recorder(), steady=0)
    assert world.did[:3] == ["destroy local-us", "load kr 20", "load us 20"]
    assert "launch local-us" in world.did


def test_what_fails_before_the_traffic_is_healed() -> None:
    def fail() -> None:
        raise OnairError(Finding(rule="x", what="no such cluster"))

    world = World(fault=fail)
    with pytest.raises(OnairError):
        run(drill(before=[{"destroy": {"cluster": "local-us"}}]), world, Recorder(), steady=0)
    assert world.did == ["destroy local-us", "heal"]


def test_each_client_has_its_own_second_zero() -> None:
    late = measured(13.0).model_copy(update={"started_at": 98.0})
    found = seen(late, 10, 10, 25, began=100.0)
    assert found.timeline[0][0] == -2.0
    assert found.during.failed == 1, "13 s of the client are 11 s of the drill"
    assert seen(late, 10, 14, 25, began=100.0).before.failed == 1


def test_what_is_not_seen_in_time_is_a_breach_and_the_drill_goes_on() -> None:
    slow = [{"serves": {"viewers": "kr", "by": "us"}, "within": 0.01}, {"well": True, "within": 5}]
    world = World(answer=lambda each: "still kr" if each.serves else True)
    made = run(drill(during=slow, after=slow[1:], holdSeconds=0, screens=False), world, Recorder(), steady=0)
    assert made.breaches[0] == "viewers of kr are served by us: not within 0.01 s (still kr)"
    assert world.did[-3:] == ["heal", "stop", "stop"]
    assert None in made.recovered


def test_a_look_that_fails_is_a_reason_like_any_other() -> None:
    def away(_: Expectation) -> bool | str:
        raise OnairError(Finding(rule="x", what="nobody answers"))

    quick = [{"well": True, "within": 0.01}]
    made = run(drill(during=[], after=quick, holdSeconds=0, screens=False), World(answer=away), Recorder(), steady=0)
    assert "all is well: not within 0.01 s (nobody answers)" in made.breaches


@pytest.mark.parametrize("error", [OnairError(Finding(rule="x", what="no such link")), RuntimeError("bug")])
def test_whatever_happens_the_platform_is_healed_and_the_load_ends(error: Exception) -> None:
    def fail() -> None:
        raise error

    world = World(fault=fail)
    with pytest.raises(type(error)):
        run(drill(screens=False), world, Recorder(), steady=0)
    assert world.did[-3:] == ["heal", "stop", "stop"]


def test_ctrl_c_heals_and_tells_what_was_seen_until_then() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    world = World(fault=interrupt)
    made = run(drill(screens=False), world, Recorder(), steady=0)
    assert (made.interrupted, made.good, made.breaches) == (True, False, [])
    assert world.did[-3:] == ["heal", "stop", "stop"]


def test_a_window_counts_what_was_due_in_it() -> None:
    log = measured(10.0, 12.0, 30.0)
    found = window(log, 8.0, 20.0)
    assert (found.sent, found.failed, found.outcomes) == (120, 2, {"timeout": 2})
    assert found.errors == pytest.approx(2.5)
    assert found.regions == {"kr": 118}
    assert window(log, 32.0, 40.0).errors == 0


def test_the_clients_log_is_the_judge() -> None:
    good = {"kr": seen(measured(11.0, 14.0), 10, 10, 25, 0)}
    assert breaches([], good, Bounds(errorSeconds=5, failedShare=0.01)) == []
    assert breaches([], good, Bounds(errorSeconds=2)) == [
        "viewers of kr: errors for 3.5 s after the fault; 2 s are allowed"
    ]
    assert breaches([], good, Bounds(errorSeconds=5, failedShare=0.001)) == [
        "2 of 400 requests failed; a share of 0.001 is allowed"
    ]
    returned = {"kr": seen(measured(26.0, 30.0), 10, 10, 25, 0)}
    assert "errors for 4.5 s after the healing" in breaches([], returned, Bounds(errorSeconds=2))[0]
    early = {"kr": seen(measured(3.0), 10, 10, 25, 0)}
    assert breaches([], early, Bounds(errorSeconds=2)) == ["viewers of kr: 1 requests failed before the fault"]


def test_a_drill_in_which_nobody_asked_proves_nothing() -> None:
    silent = {"kr": seen(measured(seconds=9), 10, 10, 25, 0)}
    assert breaches([], silent, Bounds(errorSeconds=2)) == [
        "viewers of kr: nothing was asked while the fault stood, or after"
    ]


def test_an_activity_needs_somebody_of_any_region_from_the_fault_on() -> None:
    asked = {region: seen(measured(), 10, 10, 25, 0) for region in ("kr", "us")}
    before, after = (seen(measured(seconds=end), 10, 10, 25, 0) for end in (5, 60))
    few = {"kr": {"buy": before}, "us": {"buy": after}}
    assert breaches([], asked, Bounds(errorSeconds=2), few) == []
    none = {"kr": {"buy": before}, "us": {"buy": before}}
    told = ["buy: nothing was asked while the fault stood, nor after"]
    assert breaches([], asked, Bounds(errorSeconds=2), none) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"faults": []}, "spec.faults: List should have at least 1 item"),
        (
            {"faults": [{"cut": ["a"], "stop": ["b"]}]},
            "exactly one of kill, cut, stop, powerOff, drain, scale, outOfMemory, destroy, launch",
        ),
        ({"faults": [{"explode": 1}]}, "spec.faults.0.explode: Extra inputs are not permitted"),
        ({"after": [{"within": 5}]}, "exactly one of serves, ready, node, ended, well belongs here; there are 0"),
        ({"after": [{"well": True, "within": 0}]}, "spec.after.0.within: Input should be greater than 0"),
        ({"title": {"en": "A"}}, "spec.title.ko: Field required"),
        ({"traffic": {"kr": 5000}}, "spec.traffic.kr: Input should be less than or equal to 200"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_field(changes: dict[str, Any], told: str) -> None:
    faults = findings_of(lambda: drill(**changes))
    assert all(each.file == "drills/region-loss.yaml" and each.mend for each in faults)
    assert any(told in each.what for each in faults)


def test_a_file_and_its_drill_have_one_name() -> None:
    (one,) = findings_of(lambda: parse({"drills/other.yaml": FILE}))
    assert (one.rule, one.file) == ("drill/name", "drills/other.yaml")


def test_a_file_that_does_not_parse_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/a.yaml").write_text("kind: Drill\nspec: [\n")
    (one,) = findings_of(lambda: command.read(tmp_path))
    assert (one.rule, one.file, one.line) == ("drill/yaml", "drills/a.yaml", 3)


FAULTS = [
    {"kill": {"cluster": "local-kr", "service": "web"}},
    {"cut": ["edge:local-kr"]},
    {"stop": ["hub."]},
    {"powerOff": {"cluster": "local-kr", "node": "local-kr-b"}},
    {"drain": {"cluster": "local-kr", "node": "local-kr-b"}},
    {"scale": {"cluster": "local-kr", "service": "coredns", "namespace": "kube-system", "replicas": 0}},
    {"outOfMemory": {"cluster": "local-kr", "service": "web"}},
    {"destroy": {"cluster": "local-us"}},
    {"launch": {"cluster": "local-us"}},
]
EXPECTED = [
    {"serves": {"viewers": "kr", "by": "us"}},
    {"ready": {"cluster": "local-kr", "service": "web", "pods": 2, "but": "local-kr-b"}},
    {"ready": {"cluster": "local-kr", "service": "web"}},
    {"node": {"cluster": "local-kr", "node": "local-kr-b", "ready": False}},
    {"ended": {"cluster": "local-kr", "service": "web", "reason": "OOMKilled"}},
    {"well": True},
]


def test_every_fault_and_expectation_has_words_in_both_languages() -> None:
    faults = [Fault.model_validate(each) for each in FAULTS]
    seen_ = [Expectation.model_validate(each | {"within": 5}) for each in EXPECTED]
    assert {next(iter(each)) for each in FAULTS} == set(Fault.model_fields)
    assert {next(iter(each)) for each in EXPECTED} == set(Expectation.model_fields) - {"within"}
    words = {language: [each.of(language) for each in (*faults, *seen_)] for language in LANGUAGES}
    assert words["en"] == [str(each) for each in (*faults, *seen_)]
    for en, ko in zip(words["en"], words["ko"], strict=True):
        assert en != ko
        assert "None" not in en + ko


def test_an_unknown_drill_is_refused_with_those_that_exist() -> None:
    (one,) = findings_of(lambda: choose(command.read(ROOT), ["pod-kill", "flood"]))
    assert (one.rule, one.what) == ("drill/unknown", "no drill 'flood'")
    assert "region-loss" in one.mend


def test_the_command_refuses_an_unknown_drill(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["drill", "flood"])
    assert stopped.value.code == 2
    assert "no drill 'flood'" in capsys.readouterr().err


def a_run(took: float | None = 3.0, *failed: float) -> Run:
    events = [
        Event(at=10, kind="fault", what="fault"),
        Event(at=13, kind="seen", what="viewers of kr are served by us", took=took, bound=35),
    ]
    met = {"kr": seen(measured(*failed), 20, 10, 25, 0)}
    wrong = breaches(events, met, Bounds(errorSeconds=5))
    screens = {"before kr": "region-loss/before-kr.jpg"}
    return Run(
        drill="region-loss", started_at=0, commit="abc", machine="small", events=events, viewers=met, breaches=wrong,
        screens=screens,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_tells_each_run_in_both_languages(language: str) -> None:
    number = LANGUAGES.index(language)
    text = markdown(
        {"region-loss": drill(), "pod-kill": command.read(ROOT)["pod-kill"]},
        {"region-loss": [a_run(3.0, 11.0), a_run(9.0), a_run(None)]},
        language,
    )
    assert text.startswith(f"# {WORDS['title'][number]}")
    assert FILE["spec"]["hypothesis"][language] in text
    seen_us = {"en": "viewers of kr are served by us", "ko": "kr 시청자에게 us 리전이 응답"}[language]
    assert f"| 1 | 13.0 | {WORDS['kind_detected'][number]} | {seen_us} | 35 | 3.0 / 6.0 / 9.0 |" in text
    assert f"{WORDS['no'][number]} (1/3) | 1 / 1,200 | 0.0 / 0.0 / 0.5 | {WORDS['never'][number]} |" in text
    assert "![before kr](drills/region-loss/before-kr.jpg)" in text
    assert f"| 0 | {WORDS['none'][number]} |" in text


def test_a_picture_shows_the_run_and_is_always_the_same() -> None:
    made = a_run(3.0, 11.0)
    made.sessions = {"kr": {"watch": made.viewers["kr"]}}
    text = draw(made)
    assert text == draw(made)
    assert not HASHED.search(text), "what differs between processors"
    assert "watch kr" in text
    assert text.count("#c81e1e") >= 2, "the failed second, and the viewer who noticed"
    assert "p99 ms" in text
    assert "kr" in draw(a_run()), "a record of old has no sessions"


def test_a_report_is_one_page_with_its_pictures_in_it(tmp_path: Path) -> None:
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/a.svg").write_text("<svg/>")
    page = html("# Title\n\n![a](drills/a.svg)\n\n| x |\n| --- |\n| 1 |\n", tmp_path, "ko")
    assert '<html lang="ko">' in page
    assert "<title>Title</title>" in page
    assert 'src="data:image/svg+xml;base64,' in page
    assert "<td>1</td>" in page
    (one,) = findings_of(lambda: html("![a](drills/b.svg)", tmp_path, "en"))
    assert (one.rule, one.file) == ("drill/picture", str(tmp_path / "drills/b.svg"))


def test_a_disk_that_is_full_loses_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "region-loss.jsonl"
    file.write_text("before")

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    (one,) = findings_of(lambda: command.replace(file, "after"))
    assert (one.rule, one.file) == ("drill/write", str(file))
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_reports_are_of_the_records() -> None:
    drills = command.read(ROOT)
    recorded = command.recorded(ROOT, drills)
    for language in LANGUAGES:
        file = ROOT / REPORT[language]
        if recorded:
            assert file.read_text(encoding="utf-8") == markdown(drills, recorded, language), "onair drill --report"
        else:
            assert not file.exists()
    for name, runs in recorded.items():
        assert (ROOT / RECORDS / f"{name}.svg").read_text(encoding="utf-8") == draw(runs[-1]), "onair drill --report"
