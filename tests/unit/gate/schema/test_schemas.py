"""Where schemas come from, what is made of them, and that nothing crashes."""

import json
from pathlib import Path as File
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import findings_of
from unit.gate.schema import world

from onair.adapters.gate import schemas as adapter
from onair.core.gate.model import Body, Estate, Object, Path, Place
from onair.core.gate.schema import strict
from onair.core.gate.schema.check import check, findings
from onair.core.gate.schema.fields import FIELDS, NAMES
from onair.core.gate.schema.forms import FORMS
from onair.core.gate.schema.kinds import CLUSTER_WIDE, DEPRECATED, REQUESTS
from onair.core.gate.schema.schemas import Schemas

DURATIONS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "metrics": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"interval": {"type": "string"}}},
                }
            },
        }
    },
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def definitions() -> dict[str, strict.Schema]:
    file = adapter._definitions(world.VERSION) / "_definitions.json"
    found: dict[str, strict.Schema] = json.loads(file.read_text())["$defs"]
    return found


def test_what_is_added_to_a_published_schema_names_fields_that_it_has(
    definitions: dict[str, strict.Schema],
) -> None:
    for name, fields in FIELDS.items():
        assert {field for field in fields if field} <= definitions[name]["properties"].keys(), name
        assert set(fields.get("", {}).get("required", ())) <= definitions[name]["properties"].keys(), name
    kinds = {kind for _, _, kind in strict.index(definitions)}
    assert set(NAMES) <= kinds
    assert kinds >= CLUSTER_WIDE - REQUESTS
    assert {kind for _, kind in DEPRECATED} <= kinds


def test_every_kind_of_kubernetes_compiles(definitions: dict[str, strict.Schema]) -> None:
    found = world.schemas()
    kinds = strict.index(definitions)
    assert len(kinds) > 60
    for group, version, kind in kinds:
        known = found.kind("here", f"{group}/{version}".lstrip("/"), kind)
        if isinstance(known, tuple):
            assert known.rule in {"schema/not-served", "schema/unknown-kind"}
        else:
            assert list(known.problems({}, masked=False))


def test_every_form_takes_its_own_example() -> None:
    import re  # noqa: PLC0415

    for pattern, form in FORMS.items():
        for example in form.example.split(" or "):
            assert re.search(pattern, example.strip('"')), form


def test_durations_of_argo_are_checked_though_its_schema_says_text(definitions: dict[str, strict.Schema]) -> None:
    crd = world.body("crd")
    crd["spec"]["group"], crd["spec"]["names"]["kind"] = "argoproj.io", "AnalysisTemplate"
    crd["spec"]["versions"] = [{"name": "v1alpha1", "served": True, "schema": {"openAPIV3Schema": DURATIONS}}]
    schemas = adapter.load(world.VERSION, [world.found(crd)], None)
    for interval, rules in (("30s", []), ("1m30s", []), ("30", ["schema/duration"]), ("1d", ["schema/duration"])):
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": "errors", "namespace": "shop"},
            "spec": {"metrics": [{"interval": interval}]},
        }
        assert [found.rule for found in schemas.problems(world.found(body))] == rules


def test_a_schema_is_compiled_once_and_a_torn_one_again(tmp_path: File) -> None:
    crds = [world.found(world.body("crd"))]
    objects = [world.found(world.body(name)) for name in world.names()]

    def judged() -> list[str]:
        schemas = adapter.load(world.VERSION, crds, tmp_path)
        return [problem.rule for each in objects for problem in schemas.problems(each)]

    assert judged() == []
    files = sorted(tmp_path.glob("*/compiled/*"))
    assert len(files) == len({(each.api_version, each.kind) for each in objects}) + 1  # and the index of kinds
    before = [file.stat().st_mtime_ns for file in files]
    assert judged() == []
    assert [file.stat().st_mtime_ns for file in files] == before
    for file in files:
        file.write_bytes(file.read_bytes()[:-10])
    assert judged() == []
    assert all(len(file.read_bytes()) > 10 for file in files)
    assert sorted(tmp_path.glob("*/compiled/*")) == files


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path: File) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    schemas = adapter.load(world.VERSION, [], blocked)
    assert list(schemas.problems(world.found(world.body("service")))) == []


def test_a_version_without_schemas_is_told() -> None:
    (found,) = findings_of(lambda: adapter.load("1.99.0", [], None))
    assert found.rule == "schema/version"
    assert "1.99.0" in found.what
    assert "v1.36.0" in found.what


def test_another_version_of_a_definition_on_another_cluster_is_another_schema() -> None:
    other = world.body("crd")
    del other["spec"]["versions"][2]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["count"]
    crds = [world.found(world.body("crd")), world.found(other, "there")]
    schemas = adapter.load(world.VERSION, crds, None)
    judged = {
        cluster: [found.rule for found in schemas.problems(world.found(world.body("widget"), cluster))]
        for cluster in ("here", "there")
    }
    assert judged == {"here": [], "there": ["schema/unknown-key"]}


def test_findings_carry_the_place_the_reason_and_the_mend() -> None:
    body = world.body("deployment")
    world.edit(body, "spec.replica", 3)
    asked: list[Any] = []

    def locate(found: Object, path: Path = ()) -> Place:
        asked.append(tuple(path))
        return Place("apps/web/base/web.yaml", 7)

    estate = Estate([world.found(body), world.found(world.body("service"))], locate=locate)
    (found,) = findings(estate, world.schemas())
    assert (found.rule, found.where, found.severity) == ("schema/unknown-key", "apps/web/base/web.yaml:7", "error")
    assert found.what == "here Deployment shop/web: spec.replica is no known key"
    assert found.mend == "did you mean `replicas`?"
    assert found.why
    assert asked == [("spec", "replica")]


def test_only_what_is_asked_for_is_judged() -> None:
    body = world.body("deployment")
    world.edit(body, "spec.replica", 3)
    estate = Estate([world.found(body)])
    assert list(findings(estate, world.schemas(), [])) == []


@given(st.sampled_from(world.names()), st.data())
@settings(max_examples=300, deadline=None)
def test_no_value_anywhere_makes_the_checks_crash(name: str, data: st.DataObject) -> None:
    body = world.body(name)
    spoil(body, data)
    for problem in world.problems(body):
        assert problem.what
        assert problem.mend


def spoil(body: Body, data: st.DataObject) -> None:
    """Put any value anywhere."""
    target: Any = body
    while isinstance(target, (dict, list)) and target:
        key = data.draw(st.sampled_from(list(target) if isinstance(target, dict) else range(len(target))))
        below = target[key]
        if not isinstance(below, (dict, list)) or not below or data.draw(st.booleans()):
            target[key] = data.draw(ANY_JSON)
            break
        target = below


@given(st.sampled_from(sorted(set(world.names()) - {"widget"})), st.data())
@settings(max_examples=60, deadline=None)
def test_what_kubernetes_validate_refuses_is_refused(name: str, data: st.DataObject) -> None:
    body = world.body(name)
    spoil(body, data)
    try:
        kubernetes_validate.validate(body, world.VERSION, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError):
        assert world.problems(body)
    except (KeyError, TypeError, AttributeError):
        assert world.problems(body)  # it crashes on a kind or a version that is no text


@pytest.mark.parametrize("spec", [None, [], {"versions": "x"}, {"versions": [None, {"name": 1}], "names": []}])
def test_a_broken_definition_defines_nothing_and_breaks_nothing(spec: object) -> None:
    crd = world.found({**world.body("crd"), "spec": spec})
    schemas = adapter.load(world.VERSION, [crd], None)
    assert [found.rule for found in schemas.problems(world.found(world.body("widget")))] == ["schema/unknown-kind"]


def test_a_value_that_is_no_json_is_told() -> None:
    import datetime  # noqa: PLC0415

    body = world.body("configmap")
    body["data"]["day"] = datetime.date(2026, 11, 23)
    assert {found.rule for found in world.problems(body)} == {"schema/type"}


def test_checks_are_made_by_schemas_and_semantics_alike() -> None:
    body = world.body("deployment")
    world.edit(body, "spec.replica", 3)
    world.edit(body, "spec.template.metadata.labels.app", "wbe")
    found = {problem.rule for _, problem in check([world.found(body)], world.schemas(), lambda each: False)}
    assert found == {"schema/unknown-key", "schema/selector"}


def test_schemas_can_be_bound_to_any_source() -> None:
    class Nothing:
        def read(self, key: str) -> str | None:
            return None

        def write(self, key: str, text: str) -> None:
            return None

    (found,) = Schemas(dict, [], Nothing()).problems(world.found(world.body("service")))
    assert found.rule == "schema/unknown-kind"
