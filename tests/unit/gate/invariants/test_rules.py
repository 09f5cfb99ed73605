"""Every rule over many objects: a small platform on which none finds anything, and edits that one rule alone finds."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from onair.core.cloud.outputs import file_of, made_from
from onair.core.gate.invariants.rules import RULES, tasks
from onair.core.gate.model import Estate, Object

FIXTURES = Path(__file__).parent / "fixtures"
IDS = [rule.id for rule in RULES]
WORLD = yaml.safe_load((FIXTURES / "estate.yaml").read_text())
PRODUCTION = ["prod-kr", "prod-us"]
CASES: dict[str, dict[str, list[dict[str, Any]]]] = {
    f"{path.parent.name}/{path.stem}": yaml.safe_load(path.read_text()) for path in sorted(FIXTURES.glob("*/*.yaml"))
}


def filled(found: Any, cluster: str, world: dict[str, Any]) -> Any:  # noqa: ANN401
    """Replace $CLUSTER, $REGION and so on by the cluster's facts."""
    if isinstance(found, str):
        facts = world["clusters"][cluster]
        texts = {"$CLUSTER": cluster, "$REGION": facts["region"], "$DNS": facts["network"]["dns"]}
        texts |= {"$CLOUD": facts["cloudRegion"], "$MADE": made_from(world["platform"], facts)}
        for name, text in texts.items():
            found = found.replace(name, text)
        return found
    if isinstance(found, dict):
        return {filled(key, cluster, world): filled(value, cluster, world) for key, value in found.items()}
    return [filled(each, cluster, world) for each in found] if isinstance(found, list) else found


def put(root: Any, path: list[Any], value: Any, *, remove: bool = False) -> None:  # noqa: ANN401
    for step in path[:-1]:
        root = root[step] if isinstance(root, list) else root.setdefault(step, {})
    if remove:
        del root[path[-1]]
    else:
        root[path[-1]] = value


def edited(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Object]]]:
    """Return the world and the objects of each cluster after the edits of a case.

    An edit is ``{of: Kind/name, set: [path], to: value}`` or ``{of: …, remove: [path]}`` (no path: the whole object),
    ``{add: leaf, object: manifest}``, or names a part of the world: ``{world: [path], to: value}``. ``cluster`` keeps
    it to one cluster; what it sets is filled in like the world itself.
    """
    world = copy.deepcopy(WORLD)
    for edit in (each for each in case["edits"] if "world" in each):
        put(world, edit["world"], edit.get("to"), remove="to" not in edit)
    objects: dict[str, list[Object]] = {}
    for cluster in PRODUCTION:
        made = objects[cluster] = []
        for leaf, manifests in world["leaves"].items():
            application = "bootstrap" if leaf.endswith("argocd") else leaf.partition("/")[2]
            for each in manifests:
                body = filled(each, cluster, world)
                made.append(Object(cluster, application, f"clusters/{cluster}/{leaf}", body))
        for edit in (each for each in case["edits"] if each.get("cluster", cluster) == cluster and "world" not in each):
            if "add" in edit:
                leaf = edit["add"]
                body = filled(edit["object"], cluster, world)
                made.append(Object(cluster, leaf.partition("/")[2], f"clusters/{cluster}/{leaf}", body))
                continue
            kind, _, name = edit["of"].partition("/")
            (found,) = [each for each in made if (each.body["kind"], each.body["metadata"]["name"]) == (kind, name)]
            if edit.get("remove") == []:
                made.remove(found)
            elif "remove" in edit:
                put(found.body, edit["remove"], None, remove=True)
            else:
                put(found.body, edit["set"], filled(edit["to"], cluster, world))
    return world, objects


def build(case: dict[str, Any]) -> Estate:
    world, objects = edited(case)
    texts: dict[str, str] = {}
    data = dict(world["data"])
    for cluster in PRODUCTION:
        if body := world["outputs"].get(cluster, world["outputs"]["any"]):
            data[file_of(cluster)] = filled(body, cluster, world)
        texts |= {filled(file, cluster, world): text for file, text in world["texts"].items()}
    return Estate(
        objects=[each for found in objects.values() for each in found],
        clusters=world["clusters"],
        platform=world["platform"],
        data=data,
        texts=texts,
    )


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule}: {case['name']}")
        for rule, found in CASES.items()
        for case in found.get(kind, [])
    ]


def found_by_all(estate: Estate) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in RULES:
        for finding in rule.check(estate) if rule.check else ():
            assert finding.rule == rule.id
            assert finding.mend, finding
            assert finding.why, finding
            assert finding.file, finding
            found.setdefault(rule.id, []).append(finding.what)
    assert found_in_parts(estate) == {rule: sorted(each) for rule, each in found.items()}
    return found


def found_in_parts(estate: Estate) -> dict[str, list[str]]:
    """What the gate finds, which judges and remembers each cluster on its own: never more or less."""
    found: dict[str, list[str]] = {}
    for task in tasks(estate):
        for finding in (each for rule in task.rules if rule.check for each in rule.check(task.estate)):
            found.setdefault(finding.rule, []).append(finding.what)
    return {rule: sorted(each) for rule, each in found.items()}


def test_the_small_platform_breaks_no_rule() -> None:
    assert found_by_all(build({"edits": []})) == {}


@pytest.mark.parametrize(("rule", "case"), cases("fail"))
def test_a_broken_rule_is_found_by_that_rule_alone(rule: str, case: dict[str, Any]) -> None:
    found = found_by_all(build(case))
    assert list(found) == [rule], found
    for part in case.get("says", []):
        assert any(part in what for what in found[rule]), found[rule]


@pytest.mark.parametrize(("rule", "case"), cases("pass"))
def test_what_a_rule_allows_no_rule_finds(rule: str, case: dict[str, Any]) -> None:
    assert found_by_all(build(case)) == {}


def test_every_rule_has_fixtures_and_every_fixture_a_rule() -> None:
    assert sorted(CASES) == sorted(IDS)
    assert len(set(IDS)) == len(IDS)
    for rule, found in CASES.items():
        assert found["fail"], rule
        assert found["pass"], rule


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_every_rule_explains_itself(rule: Any) -> None:  # noqa: ANN401
    assert rule.why
    assert rule.bad != rule.good
    assert rule.check


def test_a_check_changes_no_object() -> None:
    estate = build({"edits": []})
    before = copy.deepcopy([each.body for each in estate.objects])
    found_by_all(estate)
    assert [each.body for each in estate.objects] == before


def paths(found: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    entries = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in entries:
        yield (*at, key)
        yield from paths(value, (*at, key))


WHOLE = build({"edits": []})
PLACES = [
    (i, path)
    for i, each in enumerate(WHOLE.objects)
    for path in paths(each.body)
    if each.cluster == "prod-kr" and path != ("kind",)
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from([None, [], {}, "x", 1, ["x"], [None], True]))
def test_a_manifest_of_any_shape_is_judged_without_a_crash(place: tuple[int, tuple[Any, ...]], odd: Any) -> None:  # noqa: ANN401
    at, path = place
    objects = list(WHOLE.objects)
    spoilt = objects[at]
    body = copy.deepcopy(spoilt.body)
    put(body, list(path), odd)
    objects[at] = Object(spoilt.cluster, spoilt.application, spoilt.leaf, body)
    found_by_all(Estate(objects, WHOLE.clusters, WHOLE.platform, WHOLE.data, WHOLE.texts))
