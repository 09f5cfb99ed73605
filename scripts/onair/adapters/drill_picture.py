"""A drill's timeline as a picture: requests, failures, times, and what viewers noticed, by the second, with its events.

Words are those of any language: units, names of regions and activities; events go by the numbers of the report's table.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from onair.core.drill.result import Run, Seen, numbered
from onair.core.finding import Finding, OnairError
from onair.core.viewer.plan import ACTIVITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"kr": "#0b6e99", "us": "#c77800"}
FAILED = "#c81e1e"
MARKS = {"fault": "#c81e1e", "detected": "#7a4fa3", "heal": "#2e7d32", "recovered": "#2e7d32"}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: a reader's own fonts, and smaller
    "svg.hashsalt": "onair",  # ids of no random beginning
    "path.simplify": True,
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# Matplotlib hashes unrounded places into its ids, and processors differ in their last digit.
HASHED = re.compile(r"\b([a-z])[0-9a-f]{10}\b")
WIDTH, HEIGHT = 9.0, 4.6
FLOOR_MS = 5.0


def draw(run: Run) -> str:
    """Return the picture of a run as SVG; the same run always gives the same text.

    Raises
    ------
    OnairError
        If there is no library to draw with.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - a tool of reports, slow to load
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        what = "pictures of drills need Matplotlib"
        raise OnairError(Finding(rule="drill/no-plot", what=what, mend="make .venv/dev.stamp")) from error
    with mpl.rc_context(cast(Any, STYLE)):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        panels: list[tuple[int, Callable[[Axes, Run], None]]] = [(3, _requests), (3, _times)]
        if run.sessions:
            panels.append((2, _noticed))
        axes = figure.subplots(len(panels), 1, sharex=True, height_ratios=[size for size, _ in panels])
        for axis, (_, panel) in zip(axes, panels, strict=True):
            panel(axis, run)
            axis.margins(x=0)
            _events(axis, run, named=axis is axes[0])
        axes[-1].set_xlabel("s")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    numbers: dict[str, str] = {}
    same = HASHED.sub(lambda found: numbers.setdefault(found[0], f"{found[1]}-{len(numbers)}"), text.getvalue())
    return "\n".join(line.rstrip() for line in same.splitlines()) + "\n"


def _requests(axis: Axes, run: Run) -> None:
    for viewers, seen in run.viewers.items():
        good = {viewers: [(x, ok) for x, ok, *_ in seen.timeline]}  # what older records know
        for region, counts in (seen.served or good).items():
            line = "-" if region == viewers else "--"
            name = f"{viewers}" if region == viewers else f"{viewers}, by {region}"
            axis.step([x for x, _ in counts[:-1]], [n for _, n in counts[:-1]], where="post", color=COLOURS[viewers],
                      linestyle=line, linewidth=1, label=name)  # fmt: skip
        failures = [(x, failed) for x, _, failed, _ in _whole(seen) if failed]
        if failures:
            axis.bar([x + 0.5 for x, _ in failures], [n for _, n in failures], width=1.0, color=FAILED, alpha=0.7)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("1/s")
    axis.legend(loc="lower left", frameon=False, ncols=4)


def _times(axis: Axes, run: Run) -> None:
    for region, seen in run.viewers.items():
        seconds = [(x, max(FLOOR_MS, tail)) for x, _, _, tail in _whole(seen) if tail is not None]
        axis.plot([x for x, _ in seconds], [tail for _, tail in seconds], color=COLOURS[region], linewidth=0.9)
    axis.set_yscale("log")
    axis.set_ylabel("p99 ms")
    axis.grid(axis="y", linewidth=0.3)


def _noticed(axis: Axes, run: Run) -> None:
    rows = [(region, activity) for activity in reversed(ACTIVITIES) for region in reversed(list(run.sessions))]
    for place, (region, activity) in enumerate(rows):
        seen = run.sessions[region].get(activity)
        if seen is None:
            continue
        good = [x for x, ok, failed, _ in seen.timeline if ok and not failed]
        bad = [x for x, _, failed, _ in seen.timeline if failed]
        axis.plot(good, [place] * len(good), "|", color=COLOURS[region], markersize=4, markeredgewidth=0.7)
        axis.plot(bad, [place] * len(bad), "x", color=FAILED, markersize=4, markeredgewidth=1.1)
    axis.set_yticks(range(len(rows)), [f"{activity} {region}" for region, activity in rows], fontsize=6)
    axis.set_ylim(-0.6, len(rows) - 0.4)


def _events(axis: Axes, run: Run, *, named: bool) -> None:
    found = list(numbered(run.events))
    for number, _, event, kind in found:
        axis.axvline(event.at, color=MARKS[kind], linewidth=0.8, linestyle="-" if kind in ("fault", "heal") else ":")
        if named:
            near = sum(abs(other.at - event.at) < 2 and n < number for n, _, other, _ in found)
            axis.annotate(
                str(number), (event.at, 1.0), xycoords=("data", "axes fraction"), xytext=(1 + 7 * near, 1),
                textcoords="offset points", color=MARKS[kind], fontsize=7, annotation_clip=False,
            )  # fmt: skip


def _whole(seen: Seen) -> list[tuple[float, int, int, float | None]]:
    """Return the seconds that are whole: in the last one the traffic was stopped."""
    return seen.timeline[:-1]
