"""The high-availability report, in both languages from one source."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from onair.core.drill.plan import Drill
from onair.core.drill.report_words import LANGUAGES, WORDS
from onair.core.drill.result import Run

RECORDS = "docs/reports/drills"
REPORT = {"en": "docs/reports/high-availability.md", "ko": "docs/reports/high-availability.ko.md"}


def markdown(drills: Mapping[str, Drill], recorded: Mapping[str, Sequence[Run]], language: str) -> str:
    """Return the report of every drill; one without a record says so."""

    def say(key: str) -> str:
        return WORDS[key][LANGUAGES.index(language)]

    head = [say(key) for key in ("drill", "runs", "holds", "failed", "errors", "recovered")]
    lines = [f"# {say('title')}", "", say("made"), "", say("stands"), "", f"## {say('all')}", "", say("spread"), ""]
    lines += [f"| {' | '.join(head)} |", "| --- | ---: | --- | ---: | ---: | ---: |"]
    for name, drill in sorted(drills.items()):
        runs = recorded.get(name, [])
        title = f"[{drill.spec.title.of(language)}](#{name})"
        if not runs:
            lines.append(f"| {title} | 0 | {say('none')} | | | |")
            continue
        good = sum(run.good for run in runs)
        word = say("yes") if good == len(runs) else f"{say('no')} ({len(runs) - good}/{len(runs)})"
        counts = [run.count() for run in runs]
        lost = f"{sum(failed for failed, _ in counts):,} / {sum(sent for _, sent in counts):,}"
        times = [run.recovered for run in runs]
        missed = any(None in each for each in times)
        last = [max(each) for run in times if (each := [took for took in run if took is not None])]
        back = say("never") if missed else _spread(last)
        lines.append(f"| {title} | {len(runs)} | {word} | {lost} | {_spread([run.errors for run in runs])} | {back} |")
    for name, drill in sorted(drills.items()):
        if runs := recorded.get(name, []):
            lines += ["", *_drill(drill, runs, language, say)]
    return "\n".join(lines) + "\n"


def _drill(drill: Drill, runs: Sequence[Run], language: str, say: Callable[[str], str]) -> list[str]:
    last, spec = runs[-1], drill.spec
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(last.started_at))
    lines = [
        f'<a id="{drill.name}"></a>',
        "",
        f"## {spec.title.of(language)}",
        "",
        f"{say('hypothesis')}: {spec.hypothesis.of(language)}",
        "",
        f"{say('fault')}: {'; '.join(f'`{fault}`' for fault in spec.faults)}",
        "",
        f"| {say('seen')} | {say('bound')} | {say('took')} |",
        "| --- | ---: | ---: |",
    ]
    for number, event in enumerate(last.events):
        if event.kind == "seen":
            took = [run.events[number].took for run in runs if number < len(run.events)]
            values = [each for each in took if each is not None]
            lines.append(f"| {event.what} | {event.bound:g} | {_spread(values) if values else say('never')} |")
    lines += ["", f"{say('last')}: {at}, {last.commit}, {last.machine}.", ""]
    head = [say("viewers"), "", say("sent"), say("lost"), "p50 ms", "p99 ms", say("served"), say("outcomes")]
    lines.append(f"| {' | '.join(head)} |")
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"]
    for viewers, seen in last.viewers.items():
        for name, window in zip(("before", "during", "after"), seen.windows, strict=True):
            figures = ["" if value is None else f"{value:,.0f}" for value in (window.p50, window.p99)]
            lines.append(
                f"| {viewers} | {say(name)} | {window.sent:,} | {window.failed:,} | {' | '.join(figures)} "
                f"| {_counts(window.regions)} | {_counts(window.outcomes)} |"
            )
    lines += ["", *(f"- {say('breach')}: {breach}" for run in runs for breach in run.breaches)]
    if last.screens:
        names = list(last.screens)
        lines += ["", f"| {' | '.join(_caption(name, say) for name in names)} |", f"|{' --- |' * len(names)}"]
        lines += [f"| {' | '.join(f'![{name}](drills/{last.screens[name]})' for name in names)} |"]
    return lines


def _caption(name: str, say: Callable[[str], str]) -> str:
    moment, _, region = name.partition(" ")
    return f"{region}, {say(moment)}"


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))


def _spread(values: Sequence[float]) -> str:
    """Return minimum, median and maximum; one value alone where there is one run."""
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{min(values):.1f} / {median(values):.1f} / {max(values):.1f}" if values else ""
