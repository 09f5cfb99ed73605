"""A saved plan by the gate's rule of names and tags, before anybody applies it."""

import json
from pathlib import Path
from typing import Any

import pytest
from support import findings_of

from onair.adapters import facts_file
from onair.adapters.cloud import plan_file
from onair.cli.app import main
from onair.core.cloud.plan import judge, root_of

ROOT = Path(__file__).resolve().parents[3]
FACTS = facts_file.read(ROOT)
PLATFORM = FACTS.platform.spec.model_dump(by_alias=True)
TAGS = {**PLATFORM["tags"], "environment": "prod", "region": "kr"}


def change(kind: str, after: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "address": f"{kind}.one",
        "mode": "managed",
        "type": kind,
        "change": {"after": after, "after_unknown": {}, **more},
    }


def told(word: str, *changes: dict[str, Any]) -> list[tuple[str, str]]:
    found = judge({"resource_changes": changes}, root_of(word, FACTS.clusters), PLATFORM, FACTS.clusters)
    return [(each.rule, each.what) for each in found]


def test_what_is_named_and_tagged_by_the_rule_passes() -> None:
    good = change("aws_sqs_queue", {"name": "onair-prod-kr-orders", "tags_all": TAGS})
    assert told("regional/prod-kr", good) == []


@pytest.mark.parametrize(
    ("word", "name"),
    [("regional/prod-kr", "onair-prod-us-orders"), ("account/all", "onair-prod-kr-orders"), ("links", "orders")],
)
def test_a_name_of_another_region_or_of_none_is_refused(word: str, name: str) -> None:
    tags = {**TAGS, "region": "kr" if word.startswith("regional") else "global"}
    ((rule, what),) = told(word, change("aws_sqs_queue", {"name": name, "tags_all": tags}))
    assert rule == "naming/resource"
    assert what.startswith(f"aws_sqs_queue.one: {name} is not onair-prod-")


def test_two_roles_of_one_name_are_refused() -> None:
    one = change("aws_iam_role", {"name": "onair-prod-kr-chat", "tags_all": TAGS})
    other = {**one, "address": "module.chat_role.aws_iam_role.this"}
    assert told("regional/prod-kr", one, other) == [
        ("naming/resource", "module.chat_role.aws_iam_role.this: aws_iam_role.one is called onair-prod-kr-chat too")
    ]


def test_what_links_the_regions_is_named_by_either() -> None:
    tags = {**TAGS, "region": "global"}
    made = [
        change("aws_rds_cluster", {"cluster_identifier": f"onair-prod-{r}-x", "tags_all": tags}) for r in ("kr", "us")
    ]
    assert told("links/all", *made) == []


def test_a_tag_that_lacks_or_is_wrong_is_refused() -> None:
    tags = {**TAGS, "owner": "somebody"}
    del tags["cost-center"]
    found = told("regional/prod-kr", change("aws_sqs_queue", {"name": "onair-prod-kr-orders", "tags_all": tags}))
    assert found == [
        ("naming/tags", "aws_sqs_queue.one: no tag cost-center (want live-commerce)"),
        ("naming/tags", "aws_sqs_queue.one: tag owner is somebody, not platform"),
    ]


def test_tags_of_an_auto_scaling_group_are_looked_at_too() -> None:
    listed = [{"key": key, "value": value, "propagate_at_launch": False} for key, value in TAGS.items()]
    group = {"name": "onair-prod-kr-bastion", "tag": listed}
    assert told("regional/prod-kr", change("aws_autoscaling_group", group)) == []
    assert len(told("regional/prod-kr", change("aws_autoscaling_group", {**group, "tag": []}))) == len(TAGS)


def test_tags_that_nobody_knows_yet_are_refused() -> None:
    made = change("aws_sqs_queue", {"name": "onair-prod-kr-orders"}, after_unknown={"tags_all": True})
    assert told("regional/prod-kr", made) == [
        ("naming/tags", "aws_sqs_queue.one: its tags are not known before the apply")
    ]


def test_what_goes_and_what_is_only_read_has_no_name_to_judge() -> None:
    assert told("regional/prod-kr", change("aws_sqs_queue", None)) == []
    assert told("regional/prod-kr", {**change("aws_sqs_queue", {"name": "x", "tags_all": {}}), "mode": "data"}) == []


def test_a_root_that_is_none_is_told_with_those_there_are() -> None:
    (found,) = findings_of(lambda: root_of("regional/prod-jp", FACTS.clusters))
    assert found.what == "there is no root 'regional/prod-jp'"
    assert "regional/prod-kr" in found.mend
    assert "org/all" in found.mend


@pytest.mark.parametrize(
    ("text", "what"), [(None, "no such file"), ("{", "not a plan in JSON"), ("[]", "no plan of Terraform")]
)
def test_a_file_that_is_no_plan_is_told(tmp_path: Path, text: str | None, what: str) -> None:
    file = tmp_path / "plan.json"
    if text is not None:
        file.write_text(text)
    (found,) = findings_of(lambda: plan_file.read(file))
    assert what in found.what
    assert found.file == str(file)


def test_the_command_ends_with_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    bad = change("aws_sqs_queue", {"name": "orders", "tags_all": TAGS})
    file.write_text(json.dumps({"planned_values": {}, "resource_changes": [bad]}))
    with pytest.raises(SystemExit) as stopped:
        main(["cloud", "judge", "--root", "regional/prod-kr", "--plan", str(file)])
    assert stopped.value.code == 1
    assert "orders is not onair-prod-kr-<role>" in capsys.readouterr().out
