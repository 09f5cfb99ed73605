"""The semantic difference: what is said is what differs, and nothing else."""

import copy
from typing import Any

import pytest
from change_world import objects
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onair.core.change.compare import GENERATED, ObjectChange, compare, differences, same

POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - {name: web, image: "web@one", ports: [{containerPort: 80}], env: [{name: A, value: "1"}, {name: B, value: "2"}]}
      - {name: proxy, image: envoy}
"""


def one(before: str, after: str) -> ObjectChange:
    (found,) = compare(objects(before), objects(after))
    return found


def test_a_field_is_named_by_its_items_names_and_found_by_their_positions() -> None:
    found = one(POD, POD.replace("web@one", "web@two"))
    (field,) = found.fields
    assert field.label == "spec.template.spec.containers[web].image"
    assert field.path == ("spec", "template", "spec", "containers", 0, "image")
    assert (field.old, field.new) == ("web@one", "web@two")
    assert (found.kind, found.cluster, found.application) == ("changed", "prod-kr", "web")


def test_an_item_in_front_of_a_list_is_one_addition_not_a_change_of_all() -> None:
    found = one(POD, POD.replace("containers:\n", "containers:\n      - {name: init, image: busybox}\n"))
    assert [(x.label, x.old) for x in found.fields] == [("spec.template.spec.containers[init]", None)]


def test_order_matters_where_it_is_all_that_changes() -> None:
    swapped = POD.replace(
        '{name: A, value: "1"}, {name: B, value: "2"}', '{name: B, value: "2"}, {name: A, value: "1"}'
    )
    (field,) = one(POD, swapped).fields
    assert field.label.endswith("containers[web].env (order)")
    assert (field.old, field.new) == (["A", "B"], ["B", "A"])


@pytest.mark.parametrize(
    ("old", "new", "label", "values"),
    [
        ("replicas: 2", "replicas: '2'", "spec.replicas", (2, "2")),
        ("replicas: 2", "paused: true", "spec.paused", (None, True)),
        ("containerPort: 80", "containerPort: 81", "spec.template.spec.containers[web].ports[81]", None),
        ("image: envoy", "image: envoy, args: [a, b]", "spec.template.spec.containers[proxy].args", (None, ["a", "b"])),
    ],
)
def test_each_kind_of_difference(old: str, new: str, label: str, values: tuple[Any, Any] | None) -> None:
    fields = {x.label: x for x in one(POD, POD.replace(old, new)).fields}
    assert label in fields
    assert values is None or (fields[label].old, fields[label].new) == values


def test_true_and_one_are_not_the_same() -> None:
    assert not same({"a": [True]}, {"a": [1]})
    assert same({"a": [1, "b"]}, {"a": [1, "b"]})
    assert [x.label for x in differences({"a": True}, {"a": 1})] == ["a"]


def test_objects_come_go_and_move() -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"
    before = objects(POD) + objects(service, application="live")
    after = objects(service) + objects(service, cluster="prod-us")
    found = [(x.kind, x.cluster, x.application, x.identity.kind) for x in compare(before, after)]
    assert found == [
        ("moved", "prod-kr", "web", "Service"),
        ("removed", "prod-kr", "web", "Deployment"),
        ("added", "prod-us", "web", "Service"),
    ]


def test_a_version_of_the_same_kind_is_a_change_not_another_object() -> None:
    found = one(POD, POD.replace("apps/v1", "apps/v2"))
    assert [x.label for x in found.fields] == ["apiVersion"]


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: shop}\ndata: {a: %s}\n"


def test_a_generated_object_is_followed_through_its_new_name() -> None:
    found = one(CONFIG % ("scripts-2456789bcd", "1"), CONFIG % ("scripts-kmtbcdfgh2", "2"))
    assert found.kind == "changed"
    assert [x.label for x in found.fields] == ["metadata.name", "data.a"]


def test_generated_objects_in_doubt_and_plain_names_are_not_paired() -> None:
    two = CONFIG % ("scripts-2456789bcd", "1") + "---\n" + CONFIG % ("scripts-2456789bcf", "1")
    assert {x.kind for x in compare(objects(two), objects(CONFIG % ("scripts-kmtbcdfgh2", "2")))} == {
        "added",
        "removed",
    }
    kinds = [x.kind for x in compare(objects(CONFIG % ("scripts-one", "1")), objects(CONFIG % ("scripts-two", "1")))]
    assert sorted(kinds) == ["added", "removed"]


def test_the_pattern_knows_names_that_kustomize_makes() -> None:
    assert GENERATED.fullmatch("postgres-scripts-8f4dkg6fm4")
    assert not GENERATED.fullmatch("catalog-migrations")


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(["spec", "data", "name"]), values, max_size=3)


def without_none(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list) else value


@settings(deadline=None, max_examples=300)
@given(bodies, bodies)
@example({"data": [[]]}, {"data": [[], None]})
def test_there_is_a_difference_exactly_where_bodies_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    kept = copy.deepcopy((old, new))
    found = list(differences(old, new))
    assert (old, new) == kept, "an input was changed"
    assert not list(differences(old, copy.deepcopy(old)))
    if found:
        assert not same(old, new)
    else:
        assert same(without_none(old), without_none(new)), "a difference was not told"
    assert not any(same(field.old, field.new) for field in found)
