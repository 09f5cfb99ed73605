"""The report as text: one function a format, loaded when it is asked for, because start-up time counts."""

from __future__ import annotations

from importlib import import_module

from onair.core.report.model import Report

FORMATS = ("github", "sarif", "junit", "json", "markdown")
"""What ``onair check --format`` takes; each is a module of this package with a function ``render``."""


def render(name: str, report: Report) -> str:
    """Return ``report`` in the format called ``name``, ending in a newline.

    Raises
    ------
    ValueError
        There is no such format.
    """
    if name not in FORMATS:
        raise ValueError(f"no format {name!r}; there are: {', '.join(FORMATS)}")
    text: str = import_module(f"onair.core.report.{name}").render(report)
    return text if text.endswith("\n") else text + "\n"
