"""The high-availability report, in both languages from one source."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from onair.core.drill.plan import Drill
from onair.core.drill.report_words import LANGUAGES, WORDS
from onair.core.drill.result import Run, Window, numbered

RECORDS = "docs/reports/drills"
REPORT = {"en": "docs/reports/high-availability.md", "ko": "docs/reports/high-availability.ko.md"}
MISSING = "accepted orders missing"
"""The invariant that a recovery point is about: orders that buyers were told of, and that no region has."""
Say = Callable[[str], str]


def picture(drill: str) -> str:
    """Return a drill's picture, by its path from the report."""
    return f"drills/{drill}.svg"


def markdown(drills: Mapping[str, Drill], recorded: Mapping[str, Sequence[Run]], language: str) -> str:
    """Return the report of every drill; one without a record says so."""

    def say(key: str) -> str:
        return WORDS[key][LANGUAGES.index(language)]

    head = [say(key) for key in ("drill", "runs", "holds", "failed", "errors", "recovered", "rpo")]
    lines = [f"# {say('title')}", "", say("made"), "", say("stands"), "", f"## {say('all')}", "", say("spread"), ""]
    lines += [f"| {' | '.join(head)} |", "| --- | ---: | --- | ---: | ---: | ---: | ---: |"]
    for name, drill in sorted(drills.items()):
        title = f"[{drill.spec.title.of(language)}](#{name})"
        runs = recorded.get(name, [])
        lines.append(_summary(title, runs, say) if runs else f"| {title} | 0 | {say('none')} | | | | |")
    for name, drill in sorted(drills.items()):
        if runs := recorded.get(name, []):
            lines += ["", *_drill(drill, runs, language, say)]
    return "\n".join(lines) + "\n"


def _summary(title: str, runs: Sequence[Run], say: Say) -> str:
    good = sum(run.good for run in runs)
    word = say("yes") if good == len(runs) else f"{say('no')} ({len(runs) - good}/{len(runs)})"
    counts = [run.count() for run in runs]
    lost = f"{sum(failed for failed, _ in counts):,} / {sum(sent for _, sent in counts):,}"
    times = [run.recovered for run in runs]
    missed = any(None in each for each in times)
    last = [max(each) for run in times if (each := [took for took in run if took is not None])]
    back = say("never") if missed else _spread(last)
    orders = [float(run.books[MISSING]) for run in runs if run.books is not None]
    row = [title, str(len(runs)), word, lost, _spread([run.errors for run in runs]), back, _spread(orders, "g")]
    return f"| {' | '.join(row)} |"


def _drill(drill: Drill, runs: Sequence[Run], language: str, say: Say) -> list[str]:
    last, spec = runs[-1], drill.spec
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(last.started_at))
    faults = [each.of(language) for each in (*spec.before, *spec.faults)]
    lines = [
        f'<a id="{drill.name}"></a>',
        "",
        f"## {spec.title.of(language)}",
        "",
        f"{say('hypothesis')}: {spec.hypothesis.of(language)}",
        "",
        f"{say('fault')}: {'; '.join(f'`{fault}`' for fault in faults)}",
        "",
        f"![{drill.name}]({picture(drill.name)})",
        "",
        say("picture"),
        "",
        *_events(drill, runs, language, say),
        "",
        f"{say('last')}: {at}, {last.commit}, {last.machine}.",
        "",
        *_pages(runs, say),
        "",
        *_noticed(runs, say),
        *(f"- {say('breach')}: {breach}" for run in runs for breach in run.breaches),
    ]
    if last.screens:
        names = list(last.screens)
        lines += ["", f"| {' | '.join(_caption(name, say) for name in names)} |", f"|{' --- |' * len(names)}"]
        lines += [f"| {' | '.join(f'![{name}](drills/{last.screens[name]})' for name in names)} |"]
    return lines


def _events(drill: Drill, runs: Sequence[Run], language: str, say: Say) -> list[str]:
    """Return what happened in the last run, and how long each took in all of them."""
    spec, last = drill.spec, runs[-1]
    expected = {str(each): each.of(language) for each in (*spec.during, *spec.after)}
    words = expected | {str(each): each.of(language) for each in spec.faults} | {"healing": say("healing")}
    head = [" ", say("at"), say("kind"), say("seen"), say("bound"), say("took")]
    lines = [f"| {' | '.join(head)} |", "| ---: | ---: | --- | --- | ---: | ---: |"]
    for number, place, event, kind in numbered(last.events):
        took = bound = ""
        if event.bound is not None:
            all_runs = [run.events[place].took for run in runs if place < len(run.events)]
            values = [each for each in all_runs if each is not None]
            bound, took = f"{event.bound:g}", _spread(values) if values else say("never")
        what = words.get(event.what, event.what)
        row = [str(number), f"{event.at:.1f}", say(f"kind_{kind}"), what, bound, took]
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _pages(runs: Sequence[Run], say: Say) -> list[str]:
    head = [say("viewers"), " ", say("sent"), say("lost"), "p50 ms", "p99 ms", say("served"), say("outcomes")]
    lines = [f"| {' | '.join(head)} |", "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"]
    for viewers in runs[-1].viewers:
        for place, name in enumerate(("before", "during", "after")):
            windows = [run.viewers[viewers].windows[place] for run in runs if viewers in run.viewers]
            sent, lost, outcomes = _sums(windows)
            regions = sum((Counter(window.regions) for window in windows), Counter[str]())
            times = [
                _spread([value for window in windows if (value := getattr(window, p)) is not None], ",.0f")
                for p in ("p50", "p99")
            ]
            row = [viewers, say(name), f"{sent:,}", f"{lost:,}", *times, _counts(regions), _counts(outcomes)]
            lines.append(f"| {' | '.join(row)} |")
    return lines


def _noticed(runs: Sequence[Run], say: Say) -> list[str]:
    """Return what viewers of sessions noticed, and whether the books are right."""
    last = runs[-1]
    if not last.sessions:
        return []
    head = [say("viewers"), say("activity"), *(say(key) for key in ("before", "during", "after")), say("errors")]
    lines = [f"{say('noticed')} ({say('lost')} / {say('count')}):", "", f"| {' | '.join([*head, say('outcomes')])} |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    for viewers, activities in last.sessions.items():
        for activity in activities:
            seen = [run.sessions[viewers][activity] for run in runs if activity in run.sessions.get(viewers, {})]
            parts = [_sums([each.windows[place] for each in seen]) for place in range(3)]
            cells = [f"{failed:,} / {sent:,}" for sent, failed, _ in parts]
            errors = _spread([max(each.during.errors, each.after.errors) for each in seen])
            outcomes = sum((part[2] for part in parts), Counter[str]())
            row = [viewers, say(activity), *cells, errors, _counts(outcomes)]
            lines.append(f"| {' | '.join(row)} |")
    books = [run.books for run in runs if run.books is not None]
    if books:
        wrong = sum((Counter(each) for each in books), Counter[str]())
        told = f"{say('books_bad')}: {_counts(+wrong)}." if +wrong else say("books_good")
        lines += ["", told]
    return [*lines, ""]


def _sums(windows: Sequence[Window]) -> tuple[int, int, Counter[str]]:
    outcomes = sum((Counter(window.outcomes) for window in windows), Counter[str]())
    return sum(window.sent for window in windows), sum(window.failed for window in windows), outcomes


def _caption(name: str, say: Say) -> str:
    moment, _, region = name.partition(" ")
    return f"{region}, {say(moment)}"


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))


def _spread(values: Sequence[float], form: str = ".1f") -> str:
    """Return minimum, median and maximum; one value alone where there is one run."""
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return " / ".join(f"{each:{form}}" for each in (min(values), median(values), max(values))) if values else ""
