from __future__ import annotations

import pytest

from onair_common.migrations import MigrationError, load, parse, pending


@pytest.mark.parametrize("service", ["catalog"])
def test_shipped_migrations_are_in_order(service: str) -> None:
    assert [m.version for m in load(service)] == list(range(1, len(load(service)) + 1))


@pytest.mark.parametrize(
    ("names", "said"),
    [(["1_x.sql"], "name it"), (["0001_a.sql", "0003_b.sql"], "renumber"), (["0001_a.sql", "0001_b.sql"], "renumber")],
)
def test_misnamed_files_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(MigrationError, match=said):
        parse((n, "") for n in names)


def test_a_changed_file_is_refused_and_a_newer_database_is_fine() -> None:
    known = parse([("0001_a.sql", "select 1")])
    assert pending(known, {}) == known
    assert pending(known, {1: known[0].checksum, 2: "of a later release"}) == []
    with pytest.raises(MigrationError, match=r"0001_a\.sql: differs"):
        pending(known, {1: "other"})
