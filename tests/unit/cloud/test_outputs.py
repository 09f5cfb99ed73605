"""What Terraform alone knows: as it is written the gate takes it, and refuses it once the facts have changed."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.cloud import build, outputs_file
from onair.adapters.cloud import facts_file as cloud_file
from onair.adapters.cloud.place import Place
from onair.core.cloud import outputs
from onair.core.gate.model import Estate

ROOT = Path(__file__).resolve().parents[3]
FACTS = facts_file.read(ROOT)
ACCOUNT = "123456789012"


def values(cluster: str) -> dict[str, Any]:
    region = FACTS.clusters[cluster].spec.cloud_region
    return {
        "nodeRole": f"onair-{cluster}-eks-node",
        "targetGroup": f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:targetgroup/onair-{cluster}-edge/0",
        "queueUrl": f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/onair-{cluster}-orders",
        "ivsChannel": f"arn:aws:ivs:{region}:{ACCOUNT}:channel/a",
        "database": "db.example",
        "reader": "reader.example",
        "cache": "cache.example",
        "registry": {"web": "what nobody reads is left out"},
    }


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> build.Estate:
    """A clone with the facts alone; what Terraform answers is :func:`values`."""
    facts = [
        f"{cluster}/facts/{part}.yaml" for cluster in ("prod-kr", "prod-us") for part in ("cluster", "kustomization")
    ]
    for name in ("platform/platform.yaml", *facts):
        file = tmp_path / "clusters" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((ROOT / "clusters" / name).read_text())
    monkeypatch.setattr(build.Estate, "facts_of", lambda _, each: {"facts": values(each.workspace)})
    return build.Estate(tmp_path, Place(ACCOUNT, {}), FACTS, cloud_file.read(ROOT, FACTS))


def gate(root: Path, **changed: object) -> list[str]:
    """What the gate says of the clusters in the cloud."""

    def spec(name: str) -> dict[str, Any]:
        return dict(yaml.safe_load((root / f"clusters/{name}").read_text())["spec"])

    clusters = {name: {**spec(f"{name}/facts/cluster.yaml"), **changed} for name in ("prod-kr", "prod-us")}
    files = [outputs.file_of(name) for name in clusters]
    data = {file: yaml.safe_load((root / file).read_text()) for file in files if (root / file).is_file()}
    judged = Estate([], clusters, spec("platform/platform.yaml"), data)
    return [each.what for each in outputs.fresh(judged)]


def test_what_is_written_the_gate_takes(estate: build.Estate) -> None:
    assert gate(estate.root) == [], "nothing is built yet"
    files = (outputs.file_of, outputs.kustomization_of)
    assert outputs_file.write(estate) == [file(name) for name in ("prod-kr", "prod-us") for file in files]
    assert gate(estate.root) == []
    assert outputs_file.write(estate) == []
    body = yaml.safe_load((estate.root / outputs.file_of("prod-us")).read_text())
    assert body["metadata"]["annotations"] == {"config.kubernetes.io/local-config": "true"}
    assert set(body["spec"]) == set(outputs.FIELDS)
    names = yaml.safe_load((estate.root / outputs.kustomization_of("prod-us")).read_text())
    assert names["resources"] == ["cluster.yaml", "outputs.yaml"]
    assert not any("unbuilt" in each for each in names["components"])
    kr, us = (values(name)["ivsChannel"] for name in ("prod-kr", "prod-us"))
    assert body["spec"]["channels"] == f"kr={kr},us={us}"


@pytest.mark.parametrize("changed", [{"zones": ["a"]}, {"network": {}}])
def test_a_region_that_would_be_built_anew_makes_them_old(estate: build.Estate, changed: dict[str, object]) -> None:
    outputs_file.write(estate)
    assert [each.partition(" of ")[0] for each in gate(estate.root, **changed)] == ["it is older than the facts"] * 2


def test_another_accounts_are_written_anew(estate: build.Estate) -> None:
    outputs_file.write(estate)
    moved = dataclasses.replace(estate, place=Place("999999999999", {}))
    assert len(outputs_file.write(moved)) == 2
    assert "of account 999999999999" in gate(estate.root)[0]


def test_a_region_that_is_not_built_is_told(estate: build.Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.Estate, "facts_of", lambda *_: {})
    (found,) = findings_of(lambda: outputs_file.write(estate))
    assert found.what == "Terraform's state has no outputs of prod-kr"
