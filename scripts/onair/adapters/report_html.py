"""The high-availability report as one HTML file, to be sent and read without anything else."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from onair.core.finding import Finding, OnairError

TYPES = {".svg": "image/svg+xml", ".jpg": "image/jpeg", ".png": "image/png"}
STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans KR", sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2330; background: #fff }
h2 { margin-top: 3rem; border-top: 1px solid #d5dae3; padding-top: 1rem }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; display: block; overflow-x: auto }
th, td { border: 1px solid #d5dae3; padding: .25rem .5rem; vertical-align: top }
img { max-width: 100%; height: auto }
code { background: #f0f2f6; padding: 0 .25rem }
"""
_PICTURE = re.compile(r'src="([^":]+)"')


def html(text: str, folder: Path, language: str) -> str:
    """Return a report's Markdown as a whole page with its pictures in it.

    Parameters
    ----------
    folder
        What the pictures' paths begin from.

    Raises
    ------
    OnairError
        If there is no library for it, or a picture is missing.
    """
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - a tool of reports
    except ImportError as error:
        what = "the report's HTML needs markdown-it-py"
        raise OnairError(Finding(rule="drill/no-html", what=what, mend="make .venv/dev.stamp")) from error

    def inline(match: re.Match[str]) -> str:
        file = folder / match[1]
        try:
            data = base64.b64encode(file.read_bytes()).decode()
        except OSError as error:
            what = f"the report's picture is not there: {error.strerror}"
            mend = "onair drill --report draws timelines; a browser's pictures come with --record"
            raise OnairError(Finding(rule="drill/picture", file=str(file), what=what, mend=mend)) from error
        return f'src="data:{TYPES[file.suffix]};base64,{data}"'

    # Our own text alone goes in: the records hold names and numbers, and anchors are HTML.
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    title = text.partition("\n")[0].removeprefix("# ")
    return (
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n{_PICTURE.sub(inline, body)}</html>\n"
    )
