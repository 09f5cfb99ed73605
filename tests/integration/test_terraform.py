"""Terraform's own tests, with mocked providers, and what must hold of everything that they make."""

import os
import re
from collections import defaultdict
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.cloud import facts_file as cloud_file
from onair.adapters.cloud import terraform
from onair.core.cloud import ip_plan, names
from onair.core.gate.naming import convention

ROOT = Path(__file__).resolve().parents[2]
FACTS = facts_file.read(ROOT)
VERSIONS = FACTS.platform.spec.versions
MODULES = sorted(str(path.parent.relative_to(ROOT / "terraform")) for path in ROOT.glob("terraform/**/tests"))
ROOTS = [name for name in MODULES if not name.startswith("modules/")]
pytestmark = pytest.mark.integration


REGIONS = {"korea": ("kr",), "united_states": ("us",), "links": ("global", "kr", "us")}
"""Regions whose names a run may make; `global` where it is not listed."""


def faults(made: dict[str, Any]) -> list[str]:
    """What is wrong with the name of a resource, by the rule of the region that it comes closest to."""
    platform = yaml.safe_load((ROOT / "clusters/platform/platform.yaml").read_text())["spec"]
    rules = [convention(platform, {"environment": "prod", "region": r}) for r in REGIONS.get(made["run"], ("global",))]
    return min((list(names.faults(rule, [made])) for rule in rules), key=len)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_passes_its_tests_and_names_by_the_rule(name: str) -> None:
    told, made = terraform.tested(ROOT, name, VERSIONS["terraform"])
    assert told == "pass"
    assert [fault for each in made for fault in faults(each)] == []
    for run in {each["run"] for each in made}:
        assert list(names.twice(each for each in made if each["run"] == run)) == []
    if name == "regional":
        check_network(made)
    if name in ROOTS:
        assert made, "tests apply with mocked providers"


def check_network(made: list[dict[str, Any]]) -> None:
    """The subnets are those of the plan of addresses, which `onair ip` shows."""
    spec = cloud_file.read(ROOT, FACTS)
    found: dict[str, set[IPv4Network]] = defaultdict(set)
    for each in made:
        if each["type"] == "aws_subnet":
            found[each["run"]].add(IPv4Network(each["values"]["cidr_block"]))
    for run, cluster in (("korea", "prod-kr"), ("united_states", "prod-us")):
        assert found[run] == {each.range for each in ip_plan.subnets(spec, FACTS.clusters[cluster])}


def test_the_code_is_formatted() -> None:
    done = terraform.run(ROOT, ".", VERSIONS["terraform"], "fmt", "-check", "-recursive", "-diff")
    assert (done.code, done.output) == (0, "")


def test_versions_are_those_of_the_platform() -> None:
    for name in ROOTS:
        text = "".join(path.read_text() for path in (ROOT / "terraform" / name).glob("*.tf"))
        assert f'version = "{VERSIONS["terraform-provider-aws"]}"' in text, name
    for workflow in ("terraform", "drift"):
        text = (ROOT / f".github/workflows/{workflow}.yaml").read_text()
        assert set(re.findall(r"terraform_version: ([\d.]+)", text)) == {VERSIONS["terraform"]}, workflow


def test_no_fact_of_clusters_stands_in_terraform() -> None:
    platform = FACTS.platform.spec
    zones = [zone for cluster in FACTS.clusters.values() for zone in cluster.spec.zones]
    for file in (ROOT / "terraform").glob("**/*.tf"):
        text, where = file.read_text(), str(file.relative_to(ROOT))
        assert [fact for fact in (platform.domains.prod, *zones) if fact in text] == [], where
        assert [cidr for cidr in re.findall(r"\d+\.\d+\.\d+\.\d+/\d+", text) if cidr != "0.0.0.0/0"] == [], where
        assert re.findall(r"\b\d{12}\b", text) == [], f"{where}: an account's id"
        assert re.findall(r"\b(?:us|eu|ap|ca|sa)-[a-z]+-\d\b", text) == [], f"{where}: a region"


def test_modules_have_no_provider_block() -> None:
    files = list((ROOT / "terraform/modules").glob("*/*.tf"))
    assert files
    assert [file for file in files if re.search(r"^provider ", file.read_text(), re.MULTILINE)] == []


def test_another_terraform_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "terraform"
    fake.write_text('#!/bin/sh\necho \'{"terraform_version": "1.5.7"}\'\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (found,) = findings_of(lambda: terraform.program.__wrapped__(VERSIONS["terraform"]))
    assert "is 1.5.7" in found.what
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    (found,) = findings_of(lambda: terraform.program.__wrapped__(VERSIONS["terraform"]))
    assert found.what == "terraform is not on PATH"


def test_a_mirror_of_the_provider_is_found_under_a_usual_prefix(tmp_path: Path) -> None:
    assert terraform.mirror([f"{tmp_path}/*"]) is None
    (tmp_path / "plugins" / terraform.PROVIDER).mkdir(parents=True)
    assert terraform.mirror([f"{tmp_path}/*"]) == tmp_path / "plugins"
