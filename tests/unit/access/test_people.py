"""The people's file: who is refused, with file, line and mend, and whose access is over."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from access_world import PEOPLE, TODAY, key, person, write
from support import findings_of

from onair.adapters import facts_file, people_file
from onair.core.access import bastion
from onair.core.access.people import FILE, fingerprint

ROOT = Path(__file__).resolve().parents[3]
OTHER_TYPE = f"sk-{key()}".replace(" ", "@openssh.com ", 1)


def test_the_repositorys_file_is_good() -> None:
    people, warnings = people_file.read(ROOT, TODAY)
    assert set(people.groups) == {"platform-admin", "operator", "developer", "auditor"}
    assert [name for name, group in people.groups.items() if group.sudo] == ["platform-admin"]
    assert not warnings


def test_people_that_fit_are_taken(tmp_path: Path) -> None:
    people, warnings = people_file.read(tmp_path, TODAY, write(tmp_path, PEOPLE))
    assert [each.name for each in people.standing(TODAY)] == ["jiwoo", "sam"]
    assert warnings == []


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        (person("jo", 3003, groups=["admins"]), "people/unknown-group", ["'admins'", "operator, platform-admin"]),
        (person("jo", 3001), "people/same-uid", ["3001", "jiwoo"]),
        (person("sam", 3003), "people/same-name", ["sam"]),
        (person("jo", 1000), "people/uid-range", ["1000", "3000 to 3999"]),
        (person("jo", 3003, keys=["ssh-rsa AAAAB3NzaC1yc2E= x"]), "people/weak-key", ["ssh-rsa", "ed25519"]),
        (person("jo", 3003, keys=["ecdsa-sha2-nistp256 AAAA x"]), "people/weak-key", ["ecdsa-sha2-nistp256"]),
        (person("jo", 3003, keys=[f'command="id" {key()}']), "people/weak-key", ["no options"]),
        (person("jo", 3003, keys=[key()[:40]]), "people/broken-key", ["cut or garbled", ".pub"]),
        (person("jo", 3003, keys=[OTHER_TYPE]), "people/broken-key", ["another type"]),
        (person("jo", 3003, keys=[PEOPLE["spec"]["people"][0]["keys"][0]]), "people/same-key", ["jiwoo"]),
        (person("jo", 3003, until=date(2030, 1, 1)), "people/too-long", ["2030-01-01", "400 days"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_line(
    tmp_path: Path, change: dict[str, object], rule: str, words: list[str]
) -> None:
    spoilt = yaml.safe_load(yaml.safe_dump(PEOPLE))
    spoilt["spec"]["people"].append(change)
    file = write(tmp_path, spoilt)
    (finding,) = findings_of(lambda: people_file.read(tmp_path, TODAY, file))
    assert finding.rule == rule
    assert finding.file == FILE
    assert finding.line is not None
    begins = next(i for i, line in enumerate(file.read_text().splitlines(), 1) if f"name: {change['name']}" in line)
    last = max(i for i, line in enumerate(file.read_text().splitlines(), 1) if f"name: {change['name']}" in line)
    assert begins - 12 <= finding.line <= last + 12
    assert finding.mend
    told = f"{finding.what} {finding.mend}"
    assert all(word in told for word in words), told


def test_an_unknown_field_is_told(tmp_path: Path) -> None:
    spoilt = yaml.safe_load(yaml.safe_dump(PEOPLE))
    spoilt["spec"]["people"][0]["shell"] = "/bin/sh"
    (finding,) = findings_of(lambda: people_file.read(tmp_path, TODAY, write(tmp_path, spoilt)))
    assert "spec.people[0].shell is no known key" in finding.what


def test_a_last_day_that_is_over_warns_and_closes(tmp_path: Path) -> None:
    late = yaml.safe_load(yaml.safe_dump(PEOPLE))
    late["spec"]["people"][1]["until"] = date(2026, 11, 28)
    people, (warning,) = people_file.read(tmp_path, TODAY, write(tmp_path, late))
    assert (warning.rule, warning.severity) == ("people/ended", "warning")
    assert "2026-11-28" in warning.what
    facts = facts_file.read(ROOT)
    told = bastion.variables(facts, facts.cluster("local-kr"), people, TODAY)
    assert [each["name"] for each in told["people"]] == ["jiwoo"]
    assert told["ended"] == ["sam"]


def test_the_last_day_itself_still_counts(tmp_path: Path) -> None:
    last = yaml.safe_load(yaml.safe_dump(PEOPLE))
    last["spec"]["people"][1]["until"] = TODAY
    people, warnings = people_file.read(tmp_path, TODAY, write(tmp_path, last))
    assert (len(people.standing(TODAY)), warnings) == (2, [])


def test_a_bastion_reaches_its_own_api_servers_only() -> None:
    facts = facts_file.read(ROOT)
    people, _ = people_file.read(ROOT, TODAY)
    local = bastion.variables(facts, facts.cluster("local-kr"), people, TODAY)
    assert [each["open"] for each in local["api_servers"]] == ["10.61.0.10:6443", "10.62.0.10:6443"]
    prod = bastion.variables(facts, facts.cluster("prod-us"), people, TODAY)
    assert [each["cluster"] for each in prod["api_servers"]] == ["prod-us"]
    assert prod["naming"]["prefix"] == "onair-prod-us"


def test_a_fingerprint_is_what_sshd_writes() -> None:
    known = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7bFIyoOh2Ttlvl3Rv9pEQ6yFzGiZFy9fpEXzrTuqfO comment"
    assert fingerprint(known).startswith("SHA256:")
    assert len(fingerprint(known)) == len("SHA256:") + 43
