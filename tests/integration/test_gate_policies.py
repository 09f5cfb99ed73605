"""The gate and a real API server judge alike: every example, as written and as the server completes it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from kube_server import ApiServer, api_server, until
from policy_examples import ROOT, Example, as_object, examples, judge, namespaces
from policy_semantics import OBJECTS, PARAMETERS, SEMANTICS, semantics
from support import offline_kustomize

from onair.adapters import helm, kustomize, toolchain
from onair.adapters.gate import policies
from onair.core.gate.model import Body
from onair.core.gate.policy import kinds
from onair.core.gate.policy.judge import Judge
from onair.core.gate.policy.model import BINDING, POLICY
from onair.core.paths import Paths

pytestmark = pytest.mark.integration

FOUND, _ = policies.load(ROOT)
EXAMPLES = list(examples(FOUND))
ADMISSION = "admissionregistration.k8s.io/v1"
CREATED = 201
FORBIDDEN_OR_INVALID = {403, 422}
FIRSTS = {each.policy: each.body for each in reversed(EXAMPLES) if each.broken}
"""An example that breaks each policy."""


@cache
def definitions() -> list[Body]:
    """The CustomResourceDefinitions of Argo CD, Rollouts, the Gateway API and Envoy Gateway, out of the mirrors."""
    binary, environment = offline_kustomize(ROOT)
    found: list[Body] = []
    for part in ("argocd", "rollouts", "gateway"):
        folder = ROOT / "clusters/prod-kr/infrastructure" / part
        found += kustomize.build(folder, binary=binary, environment=environment)
    chart = next(each for each in found if each["metadata"]["name"] == "envoy-gateway-crds")
    tools = toolchain.locate(ROOT, Paths.of().cache)
    found += helm.template(chart, binary=tools.path("helm"), environment=environment)
    return [each for each in found if each["kind"] == "CustomResourceDefinition"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(ROOT, tmp_path_factory.mktemp("kube")) as running:
        crds = definitions()
        running.create_all(crds)
        served = {
            (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
            for crd in crds
            for version in crd["spec"]["versions"]
            if version["served"]
        }
        until(lambda: served <= running.discover().keys())
        running.create_all(namespaces())
        yield running


def synced() -> list[Body]:
    """What the clusters get: the policies as kustomize renders them."""
    binary, environment = offline_kustomize(ROOT)
    return kustomize.build(ROOT / "policies", binary=binary, environment=environment)


def warning(body: Body) -> Body:
    """A binding that tells of everything that is broken instead of stopping at the first."""
    return {**body, "spec": {**body["spec"], "validationActions": ["Warn"]}} if body["kind"] == BINDING else body


def of_gate(judging: Judge, body: Body) -> dict[str, list[str]]:
    said: dict[str, set[str]] = defaultdict(set)
    for verdict in judging.judge(as_object(body)):
        if not verdict.excused:
            said[verdict.policy.name].add(verdict.message)
    return {name: sorted(messages) for name, messages in said.items()}


def completed(server: ApiServer, body: Body) -> Body:
    """The object with the API server's defaults, as another request could bring it."""
    answer = server.create(body, dry=True)
    assert answer.code == CREATED, (body, answer.body)
    made = answer.body
    for key in ("uid", "creationTimestamp", "managedFields", "generation", "resourceVersion"):
        made["metadata"].pop(key, None)
    # What is drawn for this one object is no default: another request may not bring it.
    if made["kind"] == "Service" and made["spec"].get("clusterIP") != "None":
        for key in ("clusterIP", "clusterIPs"):
            made["spec"].pop(key, None)
        for port in made["spec"]["ports"]:
            port.pop("nodePort", None)
    if made["kind"] == "Job":
        made["spec"].pop("selector")
        labels = made["spec"]["template"]["metadata"]["labels"]
        for key in [key for key in labels if key.endswith(("controller-uid", "job-name"))]:
            del labels[key]
    return made


@pytest.fixture(scope="module")
def judged(server: ApiServer) -> list[tuple[Example, Body]]:
    """Every example with the object that the API server makes of it; then the policies are there, and warn."""
    made = [(example, completed(server, example.body)) for example in EXAMPLES]
    server.create_all(map(warning, synced()))
    effective(server, FIRSTS.items())
    return made


def effective(server: ApiServer, bodies: Iterable[tuple[str, Body]]) -> None:
    """Wait until each policy warns of an object that breaks it."""
    for name, body in bodies:
        until(lambda name=name, body=body: name in server.create(body, dry=True).warnings)  # type: ignore[misc]


def test_resources_are_named_as_the_api_server_names_them(server: ApiServer) -> None:
    found = server.discover()
    crds = kinds.defined(as_object(each) for each in definitions())
    for (api, kind), (resource, _) in found.items():
        group = api.rpartition("/")[0]
        assert crds.get((group, kind), kinds.resource(kind)) == resource, f"{api} {kind}"


def test_every_example_gets_one_verdict(server: ApiServer, judged: list[tuple[Example, Body]]) -> None:
    judging, compared, differing = judge(FOUND), 0, []
    for example, body in judged:
        for form in (example.body, body):
            answer, gate = server.create(form, dry=True), of_gate(judging, form)
            compared += 1
            if answer.code != CREATED or answer.warnings != gate or set(gate) != example.expected:
                differing.append((example.id, "as written" if form is example.body else "completed", gate, answer))
    assert differing == [], differing[:3]
    print(f"{compared} verdicts of {len(FOUND.policies)} policies: the gate's are the API server's")
    assert compared == 2 * len(EXAMPLES) > 0


@pytest.mark.usefixtures("judged")
def test_no_expression_has_a_type_warning(server: ApiServer) -> None:
    path = f"/apis/{ADMISSION}/validatingadmissionpolicies"
    until(lambda: all("observedGeneration" in each.get("status", {}) for each in server.get(path)["items"]))
    warned = {
        each["metadata"]["name"]: each["status"].get("typeChecking", {}).get("expressionWarnings", [])
        for each in server.get(path)["items"]
    }
    assert len(warned) == len(FOUND.policies)
    assert not any(warned.values()), warned


@pytest.mark.usefixtures("judged")
def test_bindings_as_synced_deny(server: ApiServer) -> None:
    server.delete_all(ADMISSION, "validatingadmissionpolicybindings")
    server.create_all(each for each in synced() if each["kind"] == BINDING)
    for body in FIRSTS.values():
        until(lambda body=body: server.create(body, dry=True).code in FORBIDDEN_OR_INVALID)  # type: ignore[misc]
        assert "ValidatingAdmissionPolicy" in server.create(body, dry=True).body["message"]
    for example in {each.policy: each for each in EXAMPLES if not each.expected}.values():
        assert server.create(example.body, dry=True).code == CREATED, example.id


def test_semantics_are_the_api_servers(server: ApiServer) -> None:
    """Conditions, variables, parameters, messages, failure policies, selectors: by policies made to show them."""
    server.delete_all(ADMISSION, "validatingadmissionpolicybindings")
    server.delete_all(ADMISSION, "validatingadmissionpolicies")
    server.create_all(PARAMETERS)
    server.create_all(map(warning, SEMANTICS))
    judging = semantics(list(map(warning, SEMANTICS)))
    *warned, refused = sorted(
        OBJECTS, key=lambda body: any(v.actions == ("Deny",) for v in judging.judge(as_object(body)))
    )
    effective(server, [(name, body) for body in warned for name in of_gate(judging, body)])
    answer = server.create(refused, dry=True)
    assert answer.code in FORBIDDEN_OR_INVALID
    assert of_gate(judging, refused)["a-missing-parameter-denies"][0] in answer.body["message"]
    for body in warned:
        gate, answer = of_gate(judging, body), server.create(body, dry=True)
        assert answer.code == CREATED, json.dumps(answer.body)
        assert answer.warnings.keys() == gate.keys(), body["metadata"]["name"]
        said = {name: texts for name, texts in gate.items() if "resulted in error" not in " ".join(texts)}
        assert {name: texts for name, texts in answer.warnings.items() if name in said} == said


def test_the_leaves_sync_all_policies() -> None:
    binary, environment = offline_kustomize(ROOT)
    for leaf in sorted(Path(ROOT / "clusters").glob("*/infrastructure/policies")):
        made = kustomize.build(leaf, binary=binary, environment=environment)
        assert {each["metadata"]["name"] for each in made if each["kind"] == POLICY} == set(FOUND.policies)
        assert {each["metadata"]["name"] for each in made if each["kind"] == BINDING} == set(FOUND.policies)
    assert yaml.safe_load((ROOT / "policies/kustomization.yaml").read_text())["resources"] == sorted(
        f"{name}.yaml" for name in FOUND.policies
    )
