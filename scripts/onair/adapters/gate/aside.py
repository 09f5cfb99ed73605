"""Work in a copy of this process, on another processor: of threads Python runs one at a time."""

from __future__ import annotations

import gc
import os
import pickle
from collections.abc import Callable, Iterable
from typing import TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")


def aside(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin ``work`` in a copy and return what waits for its result.

    Where there can be no copy, or it does not end well, the work is done here: then its error is told as always.

    Parameters
    ----------
    work
        What it changes in memory is lost; its result is plain data or of this package's own types.
    """
    reading, writing = os.pipe()
    gc.freeze()  # so that looking for garbage copies no page that both have
    try:
        child = os.fork()
    except OSError:  # no memory, or no more processes
        os.close(reading)
        os.close(writing)
        return work
    if not child:
        _answer(work, writing)
    os.close(writing)

    def result() -> Result:
        with os.fdopen(reading, "rb") as file:
            content = file.read()
        if os.waitpid(child, 0)[1]:
            return work()
        found: Result = pickle.loads(content)  # noqa: S301 - our own copy wrote it
        return found

    return result


def shares(items: Iterable[Item], size: Callable[[Item], int], count: int) -> list[list[Item]]:
    """Divide work into ``count`` shares of about the same ``size``, the largest items first."""
    made: list[list[Item]] = [[] for _ in range(count)]
    loads = [0] * count
    for each in sorted(items, key=size, reverse=True):
        lightest = loads.index(min(loads))
        made[lightest].append(each)
        loads[lightest] += size(each)
    return made


def _answer(work: Callable[[], object], writing: int) -> None:
    """Write the result and end: nothing that the process has opened or begun is this copy's to finish."""
    code = 1
    try:
        content = pickle.dumps(work())
        with os.fdopen(writing, "wb") as file:
            file.write(content)
        code = 0
    finally:
        os._exit(code)
