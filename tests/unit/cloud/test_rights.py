"""Policies are evaluated as AWS does; who may do what is compared with the facts, over roles made by boto3."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from onair.adapters.cloud.place import Place
from onair.adapters.cloud.read_back import ONCE
from onair.core.cloud.facts import Right
from onair.core.cloud.rights import Request, judge, like, may

REGION = "us-west-2"
STORED = "arn:aws:secretsmanager:us-west-2:123456789012:secret:onair-prod-us-shop-order-db-AbCdEf"
READ = Request("secretsmanager:GetSecretValue", STORED)
RIGHT = Right(action=READ.action, resource=STORED, roles=["order"], why="orders")


def statement(effect: str = "Allow", action: str | list[str] = "*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def role(*statements: dict[str, Any], boundary: dict[str, Any] | None = None, name: str = "one") -> dict[str, Any]:
    document = {"Statement": list(statements)}
    return {"id": name, "Policies": [document], "Boundary": {"Statement": boundary} if boundary else None}


UNLESS_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


@pytest.mark.parametrize(
    ("held", "answer"),
    [
        (role(), False),
        (role(statement()), True),
        (role(statement(action="secretsmanager:Get*")), True),
        (role(statement(action=["SecretsManager:getsecretvalue"])), True),  # actions know no case
        (role(statement(action="secretsmanager:Describe*")), False),
        (role(statement(resource=STORED.replace("AbCdEf", "??????"))), True),
        (role(statement(resource=STORED.replace("order", "catalog"))), False),
        (role(statement(), statement("Deny", "secretsmanager:*")), False),
        (role(statement(), statement("Deny", "s3:*")), True),
        (role({"Effect": "Allow", "NotAction": "secretsmanager:*", "Resource": "*"}), False),
        (role(statement(), {"Effect": "Deny", "Action": "*", "NotResource": STORED}), True),
        (role(statement(), boundary=statement(action="s3:*")), False),
        (role(statement(), boundary=statement()), True),
        (role(boundary=statement()), False),  # a boundary gives nothing
        # What a condition asks for may be true of some request: it allows, and does not protect.
        (role(statement(Condition={"StringEquals": {"aws:RequestedRegion": "us-west-2"}})), True),
        (role(statement(), statement("Deny", Condition=UNLESS_MFA)), True),
    ],
)
def test_policies_are_evaluated_as_aws_does(held: dict[str, Any], answer: bool) -> None:
    assert may(held, READ) is answer


@pytest.mark.parametrize(
    ("operator", "key", "value", "answer"),
    [
        ("StringEquals", "region", "us", True),
        ("StringEquals", "region", ["kr", "jp"], False),
        ("StringNotEquals", "region", "us", False),
        ("StringLike", "region", "u?", True),
        ("StringNotLike", "region", "k*", True),
        ("Bool", "mfa", "true", True),
        ("Null", "mfa", "true", False),
        ("Null", "nothing", "true", True),
    ],
)
def test_conditions_about_known_facts_decide(operator: str, key: str, value: str | list[str], answer: bool) -> None:
    asked = READ._replace(context={"region": "us", "mfa": "true"})
    assert may(role(statement(Condition={operator: {key: value}})), asked) is answer


def test_a_pattern_stands_for_the_whole_and_for_nothing_else() -> None:
    assert like("a*c", "abbc")
    assert not like("a.c", "abc")
    assert not like("ab", "abc")


def test_who_may_too_much_and_who_may_too_little_are_found() -> None:
    roles = [role(name="order"), role(statement(), name="catalog")]
    assert [(each.rule, each.what.partition(" ")[0]) for each in judge([RIGHT], roles)] == [
        ("cloud/right", "catalog"),
        ("cloud/right-missing", "order"),
    ]
    assert list(judge([RIGHT], [role(statement(), name="order"), role(name="catalog")])) == []


def test_a_right_that_names_what_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"no zone is known; known: account, cloud_region"):
        Right(action="s3:GetObject", resource="arn:aws:s3:::{zone}", roles=[], why="x")
    named = Right(action="s3:GetObject", resource="arn:aws:s3:::{prefix}-x", roles=["{shared}-apply"], why="x")
    filled = named.of(account="1", cloud_region="r", prefix="onair-prod-kr", shared="onair-prod-global")
    assert (filled.resource, filled.roles) == ("arn:aws:s3:::onair-prod-kr-x", ["onair-prod-global-apply"])


def test_a_role_that_somebody_gave_too_much_is_read_back_and_found(place: Place) -> None:
    iam = place.client("iam", REGION)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    everything = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})
    little = json.dumps({"Version": "2012-10-17", "Statement": [statement(action="s3:*")]})
    bounded = iam.create_policy(PolicyName="little", PolicyDocument=little)["Policy"]["Arn"]
    attached = iam.create_policy(PolicyName="much", PolicyDocument=everything)["Policy"]["Arn"]
    for name in ("by-itself", "attached", "bounded"):
        within = {"PermissionsBoundary": bounded} if name == "bounded" else {}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **within)
    iam.put_role_policy(RoleName="by-itself", PolicyName="x", PolicyDocument=everything)
    for name in ("attached", "bounded"):
        iam.attach_role_policy(RoleName=name, PolicyArn=attached)
    found = judge([RIGHT.model_copy(update={"roles": []})], list(ONCE["roles"](place, REGION)))
    assert [each.what.partition(" ")[0] for each in found] == ["attached", "by-itself"]
