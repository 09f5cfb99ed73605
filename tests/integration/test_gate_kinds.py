"""Kinds that the clouds bring: the gate knows them where they are, judges them strictly, and nothing syncs them."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import offline_kustomize

from onair.adapters import toolchain
from onair.adapters.gate import kinds, schemas, tree
from onair.adapters.gate.cache import Cache
from onair.core.cloud import outputs
from onair.core.gate.brought import Published, read
from onair.core.gate.model import Body, Object
from onair.core.gate.naming import convention
from onair.core.gate.schema.check import check
from onair.core.gate.schema.schemas import Schemas

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / kinds.FILE).read_text()
CASES = yaml.safe_load((Path(__file__).parent / "gate_kinds.yaml").read_text())


@pytest.fixture(scope="module")
def git() -> dict[str, str]:
    return offline_kustomize(ROOT)[1]


@pytest.fixture(scope="module")
def definitions(git: dict[str, str]) -> dict[str, list[Body]]:
    found, findings = kinds.definitions({kinds.FILE: TEXT}, git, Cache(None))
    assert findings == []
    return found


@pytest.fixture(scope="module")
def known(definitions: dict[str, list[Body]]) -> Schemas:
    brought = [Object("prod-kr", "", "", body) for body in definitions["prod"]]
    return schemas.load("1.36.3", brought, None)


def rules(body: Body, known: Schemas, cluster: str = "prod-kr") -> set[str]:
    found = Object(cluster, "nodes", f"clusters/{cluster}/infrastructure/nodes", body)
    return {problem.rule for _, problem in check([found], known, lambda _: True)}


def edited(case: dict[str, Any]) -> Body:
    body: Body = yaml.safe_load(yaml.safe_dump(CASES["right"][case["in"]]))
    target: Any = body["spec"]
    *above, last = case["at"]
    for step in above:
        target = target[step]
    if "to" in case:
        target[last] = case["to"]
    else:
        del target[last]
    return body


@pytest.mark.parametrize("name", sorted(CASES["right"]))
def test_a_right_object_passes_where_the_cloud_brings_its_kind(name: str, known: Schemas) -> None:
    assert rules(CASES["right"][name], known) == set()
    assert rules(CASES["right"][name], known, "local-kr") == {"schema/unknown-kind"}


@pytest.mark.parametrize("case", CASES["wrong"], ids=lambda case: f"{case['in']}-{case['rule']}")
def test_a_defect_is_found_by_its_own_rule_alone(case: dict[str, Any], known: Schemas) -> None:
    assert rules(edited(case), known) == {case["rule"]}


def test_a_definition_is_one_that_an_api_server_would_take(definitions: dict[str, list[Body]], known: Schemas) -> None:
    for body in definitions["prod"]:
        assert rules(body, known) == set(), body["metadata"]["name"]


def test_every_kind_is_tried(definitions: dict[str, list[Body]]) -> None:
    tried = {case["in"] for case in CASES["wrong"]} & CASES["right"].keys()
    assert {CASES["right"][name]["kind"] for name in tried} == {
        body["spec"]["names"]["kind"] for body in definitions["prod"]
    }


def test_what_upstream_publishes_is_taken_in_the_pinned_version() -> None:
    tools = {
        f"https://{each.recipe.mirror.repository}.git": each.tag
        for each in toolchain.load(ROOT).values()
        if each.recipe.mirror
    }
    for entries in read(yaml.safe_load(TEXT)).spec.values():
        for each in entries:
            if isinstance(each, Published):
                url, ref, _ = each.place
                assert tools[url] == ref


def test_a_definition_that_is_not_there_is_a_finding(git: dict[str, str]) -> None:
    for wrong in (TEXT.replace("karpenter.sh_nodepools", "nodepools"), TEXT.replace("?ref=v1.15.0", "?ref=v0.0.9")):
        found, (finding,) = kinds.definitions({kinds.FILE: wrong}, git, Cache(None))
        assert (found, finding.rule) == ({}, "tree/kinds")


def test_what_is_read_once_is_remembered(git: dict[str, str], tmp_path: Path) -> None:
    first = kinds.definitions({kinds.FILE: TEXT}, git, Cache(tmp_path))
    assert kinds.definitions({kinds.FILE: TEXT}, {"PATH": "/nowhere"}, Cache(tmp_path)) == first


def objects(root: Path, leaf: str) -> list[Body]:
    kustomize, environment = offline_kustomize(ROOT)
    command = [kustomize, "build", root / leaf]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [*yaml.safe_load_all(done.stdout)]


@pytest.mark.parametrize("cluster", ["prod-kr", "prod-us"])
def test_a_built_cluster_binds_envoy_to_its_target_group(cluster: str, tmp_path: Path, known: Schemas) -> None:
    leaf = f"clusters/{cluster}/infrastructure/gateway"
    assert not [each for each in objects(ROOT, leaf) if each["kind"] == "TargetGroupBinding"]
    for folder in ("clusters", "apps/components", "infrastructure/components", "infrastructure/gateway"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    region = {"prod-kr": "ap-northeast-2", "prod-us": "us-west-2"}[cluster]
    arn = f"arn:aws:elasticloadbalancing:{region}:123456789012:targetgroup/onair-{cluster}-edge/0a"
    held = dict.fromkeys(outputs.FIELDS, "x")
    (tmp_path / outputs.file_of(cluster)).write_text(outputs.write(cluster, "1", "x", {**held, "targetGroup": arn}, {}))
    facts = tmp_path / outputs.kustomization_of(cluster)
    facts.write_text(outputs.named(facts.read_text()))
    made = objects(tmp_path, leaf)
    (binding,) = [each for each in made if each["kind"] == "TargetGroupBinding"]
    (proxy,) = [each for each in made if each["kind"] == "EnvoyProxy"]
    assert rules(binding, known) == set()
    assert binding["spec"]["targetGroupARN"] == arn
    envoy = proxy["spec"]["provider"]["kubernetes"]
    assert binding["spec"]["serviceRef"]["name"] == envoy["envoyService"]["name"]
    assert binding["metadata"]["namespace"] == proxy["metadata"]["namespace"]
    tier = binding["spec"]["nodeSelector"]["matchLabels"]
    assert tier.items() <= envoy["envoyDeployment"]["pod"]["nodeSelector"].items()
    assert binding["spec"]["serviceRef"]["port"] in [
        each["port"] for each in envoy["envoyService"]["patch"]["value"]["spec"]["ports"]
    ]


@pytest.mark.parametrize("cluster", ["prod-kr", "prod-us"])
def test_nodes_have_the_role_and_the_tags_of_the_naming_rule(cluster: str) -> None:
    platform, facts = (
        yaml.safe_load((ROOT / "clusters" / file).read_text())["spec"]
        for file in ("platform/platform.yaml", f"{cluster}/facts/cluster.yaml")
    )
    rule = convention(platform, facts)
    classes = [x for x in objects(ROOT, f"clusters/{cluster}/infrastructure/nodes") if x["kind"] == "NodeClass"]
    assert len(classes) == 2
    for spec in (each["spec"] for each in classes):
        assert spec["role"] == rule.name("eks-node")
        assert spec["tags"] == rule.tags
        terms = [term["tags"] for field, found in spec.items() if "Terms" in field for term in found]
        assert len(terms) == 4
        for tags in terms:
            assert tags.pop("tier")
            assert tags.items() <= rule.tags.items()


def test_no_leaf_brings_a_definition_that_the_cloud_has(definitions: dict[str, list[Body]]) -> None:
    names = [body["metadata"]["name"] for body in definitions["prod"]]
    assert len(names) == len(set(names))
    for path, text in tree.read(ROOT).files.items():
        if path != kinds.FILE and path.endswith(".yaml") and "kind: CustomResourceDefinition" in text:
            assert not any(name in text for name in names), path
