"""Day 0 of a cluster that is not made by `onair up`: what is applied, in which order, and what is refused."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support import findings_of

from onair.adapters.bootstrap import Target
from onair.cli.app import main
from onair.core.day_zero import stages
from onair.core.yaml_loader import LOADER

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as stopped:
        sys.exit(main(["bootstrap", *words]))
    output = capsys.readouterr()
    assert (stopped.value.code or 0) == code, output
    return output.err if code else output.out


def test_a_dry_run_shows_every_object_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    # A production cluster: what a local one has of upstream comes from a git server that `onair up` starts.
    lines = told(capsys, "prod-kr", "--dry-run").splitlines()
    headings = [line for line in lines if line.startswith("# ")]
    assert len(headings) == 6, headings
    place = {line: number for number, line in enumerate(lines)}
    order = [
        "Namespace argocd",
        "NodePool was",
        "CustomResourceDefinition applications.argoproj.io",
        "StatefulSet argocd/argocd-application-controller",
        "Application argocd/bootstrap",
    ]
    assert [place[each] for each in order] == sorted(place[each] for each in order)
    kinds = ("rollouts.argoproj.io", "gateways.gateway.networking.k8s.io", "envoyproxies.gateway.envoyproxy.io")
    assert all(f"CustomResourceDefinition {each}" in place for each in kinds)
    assert "ApplicationSet argocd/apps" in place
    assert len(lines) - len(headings) == int(headings[-1].split()[1])


def test_the_objects_are_shown_whole_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "prod-us", "--dry-run", "--yaml")
    assert "path: clusters/prod-us/infrastructure/argocd" in text
    assert "--- # Application argocd/bootstrap" in text
    secrets = [each for each in yaml.load_all(text, Loader=LOADER) if each and each["kind"] == "Secret"]
    assert [each for each in secrets if each.get("data") or each.get("stringData")] == [], "values are not git's"


def test_what_is_wrong_is_told_and_nothing_is_applied(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no context is given" in told(capsys, "prod-kr", code=2)
    assert "there is no cluster 'prod-jp'" in told(capsys, "prod-jp", "--dry-run", code=2)
    assert "none-such: " in told(capsys, "prod-kr", "--dry-run", "--commit", "none-such", code=2)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "kubectl is not on PATH" in told(capsys, "prod-kr", "--context", "one", code=2)


KUBECTL = """#!/usr/bin/env python3
import json, os, sys
words = sys.argv[2:]
with open(os.environ["SAID"], "a") as said:
    said.write(json.dumps([sys.argv[1], *words, sys.stdin.read() if "--filename=-" in words else ""]) + "\\n")
answers = json.loads(os.environ["ANSWERS"])
print(answers.get(words[0], ""))
sys.exit(words[0] == os.environ.get("REFUSES"))
"""
"""Stands where kubectl does, and notes what it was asked: the cluster itself is the local regions'."""
VERSION = json.dumps({"serverVersion": {"major": "1", "minor": "36+"}})
Answers = Callable[..., Target]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("SAID", str(tmp_path / "said"))

    def make(**answers: str) -> Target:
        monkeypatch.setenv("ANSWERS", json.dumps({"version": VERSION, **answers}))
        return Target("one", str(program))

    return make


def listed(*names: str) -> str:
    return json.dumps({"items": [{"metadata": {"name": name}} for name in names]})


def test_a_cluster_is_empty_while_nothing_follows_git(cluster: Answers) -> None:
    kinds = {"api-resources": "applications.argoproj.io"}
    assert cluster().empty("1.36")
    assert cluster(**kinds, get=listed()).empty("1.36")
    assert not cluster(**kinds, get=listed("bootstrap", "web")).empty("1.36")


def test_another_version_and_somebodys_argo_cd_are_refused(cluster: Answers) -> None:
    (found,) = findings_of(lambda: cluster().empty("1.37"))
    assert found.what == "one runs Kubernetes 1.36, the platform is for 1.37 (versions.kubernetes)"
    taken = cluster(**{"api-resources": "applications.argoproj.io"}, get=listed("theirs"))
    (found,) = findings_of(lambda: taken.empty("1.36"))
    assert "runs another Argo CD already: its Applications are theirs" in found.what


def test_stages_are_applied_in_order_and_waited_for(
    cluster: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(kind: str, name: str, namespace: str = "") -> dict[str, object]:
        return {"kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}

    parts = {
        "namespaces": [body("Namespace", "argocd")],
        "argocd": [body("Application", "bootstrap", "argocd"), body("Deployment", "server", "argocd")],
        "rollouts": [body("CustomResourceDefinition", "rollouts"), body("Deployment", "rollouts", "argocd")],
    }
    target = cluster()
    for stage in stages(parts):
        target.apply(stage)
    said = [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]
    assert {each[0] for each in said} == {"--context=one"}
    applied = [
        [one["metadata"]["name"] for one in json.loads(each[-1])["items"]] if each[1] == "apply" else each[1:4]
        for each in said
    ]
    assert applied == [
        ["argocd"],
        ["rollouts"],
        ["wait", "--for=condition=Established", "--timeout=60s"],
        ["server"],
        ["rollout", "status", "--namespace=argocd"],
        ["bootstrap"],
    ]
    monkeypatch.setenv("REFUSES", "apply")
    (found,) = findings_of(lambda: target.apply(stages(parts)[0]))
    assert found.what.startswith("kubectl apply: ")
