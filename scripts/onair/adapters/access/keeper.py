"""Keeps what services and edge say of who did what: their logs go with their pods. Locally it is what ships logs.

In the clouds the observability add-on ships them to CloudWatch Logs, which Terraform hands on to the archive.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from onair.adapters.access.collector import Store
from onair.adapters.local import files
from onair.core.access.records import SHOP_LOGGER, Record, of_edge, of_shop

LOOK_SECONDS = 5.0
SHOP = "shop_*/*/*.log"
"""Below a kubelet's folder of pods' logs: namespace_pod_uid/container/restarts.log."""
POSITIONS = "positions.json"
HEAD_BYTES = 256
"""Enough of a first line to have its time in it."""


class Source(NamedTuple):
    """A log: of a pod of the shop in a cluster, or the edge's, which is in none."""

    path: Path
    cluster: str | None = None


class Tail:
    """Reads a log as it grows, to its end even when it was put aside or deleted meanwhile."""

    def __init__(self, path: Path, head: str = "", offset: int = 0) -> None:
        self.path = path
        self._file: BinaryIO = path.open("rb")
        if offset and self._head() == head:
            self._file.seek(offset)

    @property
    def position(self) -> tuple[str, int]:
        """How the file begins, which tells it from another of its name, and where the first unread line does."""
        return self._head(), self._file.tell()

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that are whole since the last time."""
        yield from self._rest()
        try:
            now = self.path.stat().st_ino
        except FileNotFoundError:
            return
        if now != os.fstat(self._file.fileno()).st_ino:
            yield from self._rest()  # what was written between the two looks
            self.close()
            self._file = self.path.open("rb")
            yield from self._rest()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _head(self) -> str:
        return os.pread(self._file.fileno(), HEAD_BYTES, 0).partition(b"\n")[0].decode("latin-1")

    def _rest(self) -> Iterator[bytes]:
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                self._file.seek(-len(line), os.SEEK_CUR)
                return
            yield line


class Keeper:
    """Follows logs and keeps their accesses.

    Parameters
    ----------
    store
        Where they are kept. How far each log was read stands beside, so that a keeper that is started again goes on
        there; one that is killed between the two keeps its last look's records twice.
    sources
        Says which logs there are now.
    """

    def __init__(self, store: Store, sources: Callable[[], Iterable[Source]]) -> None:
        self.store, self._sources = store, sources
        self._tails: dict[Source, Tail] = {}
        path = store.folder / POSITIONS
        self._positions: dict[str, tuple[str, int]] = json.loads(path.read_text()) if path.exists() else {}

    def look(self) -> int:
        """Keep what is new, and return how many records that were."""
        found, current = list[Record](), set(self._sources())
        for source in current - self._tails.keys():
            try:
                self._tails[source] = Tail(source.path, *self._positions.get(str(source.path), ("", 0)))
            except FileNotFoundError:
                continue  # it went between the two
        for source, tail in list(self._tails.items()):
            found += filter(None, (_record(source, line) for line in tail.lines()))
            if source not in current:
                tail.close()
                del self._tails[source]
        if found:
            self.store.extend([each.as_fields() for each in found])
        positions = {str(source.path): tail.position for source, tail in self._tails.items()}
        if positions != self._positions and self.store.folder.exists():
            files.write({self.store.folder / POSITIONS: json.dumps(positions)})
            self._positions = positions
        return len(found)


def _record(source: Source, line: bytes) -> Record | None:
    """Return the access that a log's line tells; a line of another form is none of the keeper's business."""
    try:
        if source.cluster is None:
            return of_edge(json.loads(line))
        if SHOP_LOGGER.encode() not in line:
            return None
        told = json.loads(line.split(b" ", 3)[-1])  # the container runtime's time, stream and tag come before it
        return of_shop(told, source.cluster) if told.get("logger") == SHOP_LOGGER else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def sources(folders: dict[str, str], edge: Path) -> Iterator[Source]:
    """Yield the logs that there are: of the shop's pods below each kubelet's folder, and the edge's.

    Parameters
    ----------
    folders
        The name of its cluster by each kubelet's folder of pods' logs.
    """
    for folder, cluster in folders.items():
        for path in Path(folder).glob(SHOP):
            yield Source(path, cluster)
    if edge.exists():
        yield Source(edge)


def main(store: Path, edge: Path, folders: dict[str, str]) -> None:
    """Keep until the process ends."""
    keeper = Keeper(Store(store), lambda: sources(folders, edge))
    while True:
        time.sleep(LOOK_SECONDS)
        keeper.look()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
