"""The record of a run of the base clouds: what was said and when, and a picture of it."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENDED = re.compile(r"[✓✗] (?P<what>.+?): (?P<how>.*?) (?P<seconds>[\d.]+) s$")


class Record:
    """Lines with the seconds at which they were said."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        words = ["git", "log", "-1", "--format=%h of %cs"]
        self._commit = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        self._lines: list[tuple[float, str]] = []
        self.seconds = 0.0
        """What it took from nothing to nothing; 0 where it failed."""
        self.resumed = False
        """Whether what was killed half-way was built by the same command, and destroyed."""

    def say(self, line: str) -> None:
        """Keep a line."""
        self._lines.append((time.monotonic() - self._began, line))

    def text(self) -> str:
        """Return the record as Markdown."""
        when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        machine = f"{os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[1]:.1f}"
        whole = f"{self.seconds:.0f} s from nothing to nothing" if self.seconds else "**failed**"
        killed = "built and destroyed all the same" if self.resumed else "**failed**"
        log = "\n".join(f"{at:6.1f}  {line}" for at, line in self._lines)
        return (
            "# A run of the base clouds on the emulator\n\n"
            f"`make cloud` at commit {self._commit}, {when}; {machine}: {whole}; "
            f"again, with one region's Terraform killed half-way: {killed}.\n\n"
            f"```mermaid\n{self._picture()}\n```\n\n"
            f"What it said, with the seconds since its begin:\n\n```text\n{log}\n```\n"
        )

    def _picture(self) -> str:
        lines = ["gantt", "  dateFormat X", "  axisFormat %M:%S"]
        for at, line in self._lines:
            if line.startswith("$ "):
                lines.append(f"  section {line[2:]}")
            elif ended := ENDED.search(line):
                what = f"{ended['what']} {ended['how']}".replace(":", "").replace(",", " ")
                begin = at - float(ended["seconds"])
                state = "crit, " if "✗" in line else ""
                lines.append(f"  {what} : {state}{begin:.0f}, {at:.0f}")
        return "\n".join(lines)
