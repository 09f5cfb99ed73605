"""What Prometheus is given, judged by Prometheus' own promtool: configuration, rules, and the queries of analyses."""

import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import offline_kustomize

from onair.adapters import kustomize, toolchain
from onair.core.paths import Paths
from onair.core.progress import Silent

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = sorted(path.parents[2].name for path in ROOT.glob("clusters/*/infrastructure/monitoring/kustomization.yaml"))
RULES = sorted((ROOT / "infrastructure/monitoring/base/rules").glob("*.yaml"))
FIGURES = Path(__file__).parent / "prometheus"
NAMES = {"service": "web", "latest": "new", "stable": "old"}
ARGUMENT = re.compile(r"\{\{args\.([\w-]+)\}\}")
Promtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def promtool() -> Promtool:
    program = toolchain.ensure(ROOT, Paths.of().cache, Silent(), only=["prometheus"]).path("promtool")

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], capture_output=True, text=True, check=False)

    return run


@cache
def rendered(cluster: str) -> list[dict[str, Any]]:
    binary, environment = offline_kustomize(ROOT)
    return kustomize.build(
        ROOT / "clusters" / cluster / "infrastructure/monitoring", binary=binary, environment=environment
    )


def one(cluster: str, kind: str, name: str) -> dict[str, Any]:
    (found,) = [x for x in rendered(cluster) if x["kind"] == kind and x["metadata"]["name"].startswith(name)]
    return found


def mounted(cluster: str, folder: Path) -> Path:
    """Lay the files that the pod of ``cluster`` sees below ``folder``, and return its configuration."""
    pod = one(cluster, "StatefulSet", "prometheus")["spec"]["template"]["spec"]
    maps = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"]}
    token = folder / "var/run/secrets/kubernetes.io/serviceaccount"
    token.mkdir(parents=True)
    for file in ("token", "ca.crt"):
        (token / file).touch()
    for mount in pod["containers"][0]["volumeMounts"]:
        if mount["name"] in maps:
            target = folder / mount["mountPath"].lstrip("/")
            target.mkdir(parents=True)
            (content,) = [x["data"] for x in rendered(cluster) if x["metadata"]["name"] == maps[mount["name"]]]
            for name, text in content.items():
                (target / name).write_text(re.sub(r"(?<=[\s\[])/(?=etc/|var/)", f"{folder}/", text))
    (flag,) = [word for word in pod["containers"][0]["args"] if word.startswith("--config.file=")]
    return folder / flag.partition("=/")[2]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_prometheus_takes_its_configuration(cluster: str, promtool: Promtool, tmp_path: Path) -> None:
    done = promtool("check", "config", "--lint=all", "--lint-fatal", mounted(cluster, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rule files found" in done.stdout, "the pod does not see the rules"


def test_a_wrong_configuration_is_refused(promtool: Promtool, tmp_path: Path) -> None:
    config = mounted(CLUSTERS[0], tmp_path)
    config.write_text(config.read_text().replace("scrape_interval: 10s", "scrape_intervall: 10s", 1))
    assert promtool("check", "config", config).returncode != 0


def test_clusters_differ_in_labels_storage_and_number_alone() -> None:
    for cluster in CLUSTERS:
        pod = one(cluster, "StatefulSet", "prometheus")
        environment = {each["name"]: each["value"] for each in pod["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert environment == {"CLUSTER": cluster, "REGION": cluster.rpartition("-")[2]}
        prod = cluster.startswith("prod")
        assert pod["spec"]["replicas"] == (2 if prod else 1)
        provisioner = one(cluster, "StorageClass", "monitoring")["provisioner"]
        volumes = [x for x in rendered(cluster) if x["kind"] == "PersistentVolume"]
        assert provisioner == ("ebs.csi.eks.amazonaws.com" if prod else "kubernetes.io/no-provisioner")
        assert len(volumes) == (0 if prod else 1)


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """Test files beside the rules that they are of."""
    for file in FIGURES.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    for file in RULES:
        (tmp_path / f"{file.stem}.rules.yaml").write_text(file.read_text())
    return tmp_path


@pytest.mark.parametrize("name", [file.stem for file in RULES])
def test_rules_record_the_right_figures(name: str, promtool: Promtool, figures: Path) -> None:
    done = promtool("test", "rules", figures / f"{name}.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    tested = (figures / f"{name}.yaml").read_text()
    assert not [record for record in records(figures / f"{name}.rules.yaml") if record not in tested], "untested"


def records(rules: Path) -> list[str]:
    """Return the names of what a file of rules records."""
    return [rule["record"] for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('code=~"5.."', 'code=~"4.."'),
        ("(service_revision:http_requests:rate1m > 0)", "service_revision:http_requests:rate1m"),
        ("max by (service, revision) (rate", "avg by (service, revision) (rate"),
    ],
)
def test_a_rule_that_records_a_wrong_figure_is_found(right: str, wrong: str, promtool: Promtool, figures: Path) -> None:
    rules = figures / "services.rules.yaml"
    assert right in rules.read_text()
    rules.write_text(rules.read_text().replace(right, wrong))
    assert promtool("test", "rules", figures / "services.yaml").returncode != 0


def metric(template: str, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a metric of a ClusterAnalysisTemplate, and the arguments that a Rollout of web gives it."""
    spec = one(CLUSTERS[0], "ClusterAnalysisTemplate", template)["spec"]
    (found,) = [each for each in spec["metrics"] if each["name"] == name]
    return found, {each["name"]: each.get("value", "") for each in spec["args"]} | NAMES


def query(template: str, name: str) -> str:
    found, arguments = metric(template, name)
    return ARGUMENT.sub(lambda match: arguments[match[1]], found["provider"]["prometheus"]["query"])


def recorded(figure: str, old: str | None = None, new: str | None = None, rate: str = "5x60") -> list[dict[str, str]]:
    """Return input series of both revisions, and of the new one's requests a second."""
    given = {"old": old, "new": new}
    series = [
        {"series": f'{figure}{{service="web",revision="{revision}"}}', "values": values}
        for revision, values in given.items()
        if values
    ]
    requests = 'service_revision:http_requests:rate1m{service="web",revision="new"}'
    return [*series, {"series": requests, "values": rate}]


ERRORS = ("release-errors", "error-ratio", "service_revision:http_errors:ratio_rate1m")
P99 = ("release-latency", "p99", "service_revision:http_request_duration_seconds:p99_rate1m")
PROCESSOR = ("release-saturation", "processor", "service_revision:cpu_of_core:max_rate1m")
MEMORY = ("release-saturation", "memory", "service_revision:memory_of_limit:max")


@pytest.mark.parametrize(
    ("judge", "old", "new", "rate", "expected"),
    [
        (ERRORS, "0x60", "0.05x60", "5x60", 0.05),
        (ERRORS, "0.04x60", "0.05x60", "5x60", 0.01),  # the region's own trouble is not the release's
        (ERRORS, None, "0.05x60", "5x60", 0.05),  # the first release of all
        (ERRORS, "0x20 _x40", "0.05x60", "5x60", 0.05),  # after the switch of blue/green the old one serves nobody
        (ERRORS, "0x60", None, "5x60", None),  # nothing is known: no figure, and so no success
        (ERRORS, "0x60", "0.05x60", "0.1x60", None),  # too few to tell
        (P99, "2x60", "4x60", "5x60", 2),
        (P99, "0.02x60", "0.4x60", "5x60", 0.25),  # below the floor no factor is too much
        (P99, None, "3.2x60", "5x60", 2),
        (P99, "0.4x60", None, "5x60", None),
        (P99, "0.4x60", "0.8x60", "0.1x60", None),
        (PROCESSOR, "0.5x60", "0.9x60", "0x60", 1.8),  # traffic or not
        (PROCESSOR, "0.01x60", "0.2x60", "5x60", 0.5),
        (PROCESSOR, "0.5x60", None, "5x60", None),
        (MEMORY, None, "0.95x60", "5x60", 0.95),
        (MEMORY, "0.5x60", None, "5x60", None),
    ],
)
def test_analyses_see_what_a_release_did(
    judge: tuple[str, str, str],
    old: str | None,
    new: str | None,
    rate: str,
    expected: float | None,
    promtool: Promtool,
    tmp_path: Path,
) -> None:
    template, name, figure = judge
    samples = [] if expected is None else [{"labels": "{}", "value": expected}]
    case = {"expr": f"round({query(template, name)}, 0.0001)", "eval_time": "5m", "exp_samples": samples}
    test = {"interval": "10s", "input_series": recorded(figure, old, new, rate), "promql_expr_test": [case]}
    file = tmp_path / "analysis.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "10s", "tests": [test]}))
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_analysis_reads_what_is_recorded_and_fails_where_it_does_not_succeed() -> None:
    names = {name for file in RULES for name in records(file)}
    templates = [x for x in rendered(CLUSTERS[0]) if x["kind"] == "ClusterAnalysisTemplate"]
    assert len(templates) == 4
    for template in (x for x in templates if x["metadata"]["name"] != "release-smoke"):
        declared = {each["name"] for each in template["spec"]["args"]}
        assert set(NAMES) <= declared
        for each in template["spec"]["metrics"]:
            text = each["provider"]["prometheus"]["query"]
            used = set(re.findall(r"service_revision:[\w:]+", text))
            assert used
            assert used <= names
            assert set(ARGUMENT.findall(text + each["successCondition"])) <= declared
            assert each["failureCondition"] == each["successCondition"].replace("<=", ">"), "no figure is neither"
