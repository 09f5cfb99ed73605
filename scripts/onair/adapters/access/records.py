"""Reads the access records that are kept on this machine: the collector's, and the API servers' audit logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from onair.adapters import facts_file
from onair.adapters.access.collector import Store
from onair.core.access.bastion import STATE
from onair.core.access.records import Record, of_kubernetes
from onair.core.control_plane import audit_log
from onair.core.paths import Paths


def store(folder: Path | None = None) -> Store:
    """Return what the collector of a rehearsal keeps; another's ``folder`` instead of the standing one's."""
    return Store(folder or STATE / "records")


def platform_store() -> Store:
    """Return what is kept of the shop and the edge while the platform runs."""
    return Store(Paths.of().records)


def kept(root: Path, after: datetime | None = None, folder: Path | None = None) -> Iterator[Record]:
    """Yield every record, source by source; files that end before ``after`` may be left out.

    Parameters
    ----------
    folder
        Where a bastion's collector keeps them, when it is not the standing one's.
    """
    yield from store(folder).records(after)
    yield from platform_store().records(after)
    for cluster in facts_file.read(root).local():
        yield from of_api_server(audit_log(cluster.name, Paths.of()), cluster.name)


def of_api_server(log: Path, cluster: str) -> Iterator[Record]:
    """Yield what an API server wrote, the files that it put aside first; a line that is still being written is left."""
    for file in [*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), log]:
        if not file.exists():
            continue
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield of_kubernetes(json.loads(line), cluster)
