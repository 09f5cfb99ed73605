"""How long ``onair up`` takes: cold (nothing cached), warm (cache full) and repeated (platform running)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.record import ROOT, Figure, Record, machine, save

COLD_SECONDS, WARM_SECONDS, REPEAT_SECONDS = 30 * 60, 4 * 60, 20
LIMIT_SECONDS = 3600


def onair(*words: str) -> float:
    """Run a command of the tool and return its wall time in seconds.

    Raises
    ------
    RuntimeError
        If it fails: a failed ``up`` is no measurement.
    """
    began = time.monotonic()
    code = subprocess.run(
        [sys.executable, "-m", "onair", *words], cwd=ROOT, timeout=LIMIT_SECONDS, check=False
    ).returncode
    if code:
        raise RuntimeError(f"onair {' '.join(words)} ended with {code}")
    return time.monotonic() - began


def run(cold: int = 0, warm: int = 0, repeat: int = 3, command: Callable[..., float] = onair) -> Record:
    """Measure; ``cold`` and ``warm`` take the platform down (cold deletes the cache too) that many times."""
    before, figures = machine(), list[Figure]()
    plans = (
        ("up, cold", cold, ("down", "--purge"), COLD_SECONDS),
        ("up, warm", warm, ("down",), WARM_SECONDS),
        ("up, repeated", repeat, (), REPEAT_SECONDS),
    )
    for name, count, first, target in plans:
        samples, downs = list[float](), list[float]()
        for _ in range(count):
            if first:
                downs.append(command(*first))
            samples.append(command("up"))
        if samples:
            figures.append(Figure(name=name, unit="s", samples=samples, target=target))
        if downs:
            figures.append(Figure(name=f"onair {' '.join(first)} before it", unit="s", samples=downs))
    return save("up", figures, before)
