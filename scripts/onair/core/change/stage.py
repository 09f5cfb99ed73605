"""How many pods the services have at least: more before a show begins, by the calendar that the freeze goes by."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from onair.core.change.freeze import Freeze, windows
from onair.core.facts import Stage
from onair.core.finding import Finding, OnairError
from onair.core.gate.naming import PLATFORM

AHEAD = timedelta(minutes=30)
"""So long before the freeze of a show: time for the change to be agreed to and synced. Autoscalers do the rest."""
_LINE = re.compile(r"^(  stage: \{replicas: )\d+(,.*)$", re.MULTILINE)


def wanted(calendar: Freeze, stage: Stage, now: datetime) -> tuple[int, str]:
    """Return the fewest pods of a service that should be there now, and why.

    Parameters
    ----------
    now
        With a time zone.
    """
    shows = [*windows(calendar, now), *windows(calendar, now + AHEAD)]
    if not shows:
        return stage.usual, "no show is near"
    first = min(shows, key=lambda show: show.start)
    return stage.show, f"{first.name}, until {first.until.isoformat(timespec='minutes')}"


def with_replicas(text: str, replicas: int) -> str:
    """Return the platform's facts with this number; all else, comments too, stays as it is.

    Raises
    ------
    OnairError
        If they have no such line.
    """
    found, count = _LINE.subn(rf"\g<1>{replicas}\g<2>", text)
    if count != 1:
        what = f"{count} lines `  stage: {{replicas: …, …}}`, not one"
        raise OnairError(Finding(rule="prescale/facts", file=PLATFORM, what=what, mend="write the stage on one line"))
    return found
