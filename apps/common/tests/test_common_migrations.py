from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from onair_common.migrations import MigrationError, load, parse, pending

SERVICES = ["catalog", "live", "order"]
SQUAWK = Path(sys.executable).with_name("squawk")
BREAKING = {
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "adding-serial-primary-key-field",
    "ban-alter-domain-with-add-constraint",
    "ban-drop-column",
    "ban-drop-constraint",
    "ban-drop-database",
    "ban-drop-default",
    "ban-drop-function",
    "ban-drop-schema",
    "ban-drop-table",
    "ban-drop-type",
    "ban-drop-view",
    "ban-set-schema",
    "ban-truncate-cascade",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "renaming-column",
    "renaming-table",
}
"""What the version before cannot work with, or cannot work during (rules of squawk)."""
_CONTRACT, _SINCE = re.compile(r"\d{4}_contract_"), re.compile(r"^-- Not used since (?P<version>\d{4})\b", re.MULTILINE)


def breaking(sql: str) -> list[str]:
    """Return the rules that a migration breaks."""
    found = subprocess.run([SQUAWK, "--reporter=json"], input=sql, capture_output=True, text=True, check=False)
    return sorted({told["rule_name"] for told in json.loads(found.stdout)} & BREAKING)


def unfit(version: int, name: str, sql: str) -> str:
    """Return what is wrong with a migration: two versions of a service work on one schema while one replaces the other.

    Expand first, in one release; contract in a later one, when no version runs that needs what goes: in a file named
    ``NNNN_contract_…`` that says ``-- Not used since MMMM``, the last migration of the release that stopped using it.
    """
    rules = breaking(sql)
    if not rules:
        return ""
    since = _SINCE.search(sql)
    if _CONTRACT.match(name) and since and int(since["version"]) < version:
        return ""
    return f"{name}: {', '.join(rules)}; the version before does not work with it"


@pytest.mark.parametrize("service", SERVICES)
def test_shipped_migrations_keep_the_version_before_working(service: str) -> None:
    # The first file makes the schema: there is no version before.
    assert not [told for m in load(service)[1:] if (told := unfit(m.version, m.name, m.sql))]


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE a DROP COLUMN b", "ban-drop-column"),
        ("ALTER TABLE a RENAME COLUMN b TO c", "renaming-column"),
        ("ALTER TABLE a RENAME TO c", "renaming-table"),
        ("ALTER TABLE a ADD COLUMN d text NOT NULL", "adding-required-field"),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", "adding-not-nullable-field"),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "changing-column-type"),
        ("ALTER TABLE a ADD CONSTRAINT x CHECK (b > 0)", "constraint-missing-not-valid"),
        ("ALTER TABLE a ADD CONSTRAINT x UNIQUE (b)", "disallowed-unique-constraint"),
        ("DROP TABLE a", "ban-drop-table"),
        ("DROP VIEW a", "ban-drop-view"),
    ],
)
def test_a_migration_that_breaks_the_version_before_is_refused(sql: str, rule: str) -> None:
    assert rule in unfit(7, "0007_change.sql", sql)
    assert rule in unfit(7, "0007_contract_change.sql", sql), "it does not say since when it is not used"
    assert rule in unfit(7, "0007_change.sql", f"-- Not used since 0006\n{sql}"), "it is not named a contraction"
    assert rule in unfit(7, "0007_contract_change.sql", f"-- Not used since 0007\n{sql}"), "of the same release"
    assert not unfit(7, "0007_contract_change.sql", f"-- Not used since 0006: …\n{sql}")


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD COLUMN d text",
        "ALTER TABLE a ADD COLUMN d text NOT NULL DEFAULT ''",
        "CREATE TABLE n (id bigint PRIMARY KEY, a text NOT NULL UNIQUE)",
        "CREATE INDEX i ON a (b)",
        "INSERT INTO a VALUES (1)",
    ],
)
def test_a_migration_that_only_adds_is_fine(sql: str) -> None:
    assert not unfit(7, "0007_change.sql", sql)


@pytest.mark.parametrize("service", SERVICES)
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
