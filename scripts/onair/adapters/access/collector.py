"""Takes the bastion's records in by syslog over TLS and keeps them sealed; locally it stands in for CloudWatch Logs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socketserver
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onair.core.access import chain
from onair.core.access.records import Record, of_kept
from onair.core.finding import Finding, OnairError

PATTERN = "records-*.jsonl"
LINE_BYTES = 256 * 1024
IDLE_SECONDS = 3600


class Store:
    """A folder with a file of sealed lines a day.

    Parameters
    ----------
    folder
        Made when it is not there; readable by its owner alone.
    days
        How long a file is kept.
    """

    def __init__(self, folder: Path, days: int = 90) -> None:
        self.folder, self.days = folder, days

    def files(self) -> list[Path]:
        """Return the files, oldest first."""
        return sorted(self.folder.glob(PATTERN))

    def append(self, record: dict[str, Any]) -> None:
        """Seal one record and write it to disk."""
        self.extend([record])

    def extend(self, records: Sequence[dict[str, Any]]) -> None:
        """Seal records in this order and write them to disk together."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            seal, sealed = self._last(), list[str]()
            for record in records:
                line, seal = chain.link(seal, record)
                sealed.append(line + "\n")
            today = self._day(datetime.now(UTC))
            new = not today.exists()
            with today.open("a", encoding="utf-8") as file:
                file.writelines(sealed)
                file.flush()
                os.fsync(file.fileno())
            if new:
                self._prune()

    def records(self, after: datetime | None = None) -> Iterator[Record]:
        """Yield every access that is kept, oldest first; nothing of the days before ``after``."""
        first = self._day(after) if after else None
        for path in self.files():
            if first and path < first:
                continue
            with path.open(encoding="utf-8", newline="\n") as file:  # see _lines
                for line in file:
                    if found := of_kept(json.loads(line)["record"]):
                        yield found

    def verify(self) -> int:
        """Return how many lines are kept, when none was changed.

        Raises
        ------
        OnairError
            Names the first file and line that do not fit what was written before.
        """
        count, before = 0, self._start()
        for file in self.files():
            lines = _lines(file)
            number = chain.broken(lines, before)
            if number is not None:
                what = "this line, or one before it, is not as it was written"
                mend = "somebody changed the records: keep the file, compare it with the backup"
                raise OnairError(Finding(rule="access/tampered", what=what, mend=mend, file=str(file), line=number))
            count += len(lines)
            before = json.loads(lines[-1])["seal"] if lines else before
        return count

    def _day(self, moment: datetime) -> Path:
        return self.folder / f"records-{moment.astimezone(UTC):%Y-%m-%d}.jsonl"

    def _start(self) -> str:
        pruned = self.folder / ".pruned"
        return pruned.read_text(encoding="ascii").strip() if pruned.exists() else chain.START

    def _last(self) -> str:
        for file in reversed(self.files()):
            if line := _last_line(file):
                return str(json.loads(line)["seal"])
        return self._start()

    def _prune(self) -> None:
        oldest = self._day(datetime.now(UTC) - timedelta(days=self.days))
        for file in self.files():
            if file < oldest:
                seal = json.loads(_lines(file)[-1])["seal"]
                (self.folder / ".pruned").write_text(seal, encoding="ascii")
                file.unlink()


def _lines(path: Path) -> list[str]:
    """Return a file's lines; what a person typed may hold other separators, such as U+2028, that end none."""
    with path.open(encoding="utf-8", newline="\n") as file:
        return list(file)


def _last_line(path: Path) -> bytes:
    """Return a file's last line without reading what is before it: that grows all day."""
    with path.open("rb") as file:
        size, block = file.seek(0, os.SEEK_END), LINE_BYTES
        while True:
            start = max(0, size - block)
            file.seek(start)
            lines = file.read(size - start).splitlines()  # of bytes: at line feeds alone, JSON has no other
            if start == 0 or len(lines) > 1:
                return lines[-1] if lines else b""
            block *= 2


class _Handler(socketserver.StreamRequestHandler):
    timeout = IDLE_SECONDS
    server: Collector

    def handle(self) -> None:
        with contextlib.suppress(ssl.SSLError, TimeoutError, ConnectionError):
            while line := self.rfile.readline(LINE_BYTES):
                with contextlib.suppress(ValueError):
                    record = json.loads(line)
                    if isinstance(record, dict) and "time" in record:
                        self.server.store.append(record)


class Collector(socketserver.ThreadingTCPServer):
    """Listens for records.

    Parameters
    ----------
    address
        Where.
    certificate, key
        What it shows; the bastion trusts their authority and this name alone.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], store: Store, certificate: Path, key: Path) -> None:
        self.store = store
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        super().__init__(address, _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
