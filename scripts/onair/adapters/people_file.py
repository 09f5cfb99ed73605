"""Reads ``clusters/platform/people.yaml``; every fault is told with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from onair.adapters import facts_file
from onair.core.access.people import FILE, People, PeopleSpec, faults
from onair.core.finding import Finding, OnairError, errors


def read(root: Path, today: date, file: Path | None = None) -> tuple[PeopleSpec, list[Finding]]:
    """Read and judge the people's file.

    Parameters
    ----------
    root
        The repository's top folder.
    today
        The day that last days are compared with.
    file
        Another file of that form.

    Returns
    -------
    tuple
        The people, and warnings: whose last day is over.

    Raises
    ------
    OnairError
        With every fault found.
    """
    parsed, source = facts_file.document(root, file or root / FILE, People)
    found = [
        Finding(
            rule=fault.rule,
            what=fault.what,
            mend=fault.mend,
            file=source.file,
            line=source.line(fault.path),
            severity="error" if fault.stops else "warning",
        )
        for fault in faults(parsed.spec, today)
    ]
    if errors(found):
        raise OnairError(*found)
    return parsed.spec, found
