"""The names of what Terraform makes, as :mod:`onair.core.gate.naming` judges them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from onair.core.facts import Environment
from onair.core.gate.naming import Convention, Resource, convention, name_faults

ONCE = "global"
"""What stands for the region in names of what exists once."""


class Named(NamedTuple):
    """Where the name of a type of resource stands.

    Attributes
    ----------
    field
        Attribute with the name; ``tags.Name`` where the resource has only an id.
    kind
        A key of :data:`onair.core.gate.naming.LIMITS`, or any other word.
    """

    field: str
    kind: str = ""


TAG = Named("tags.Name")
TYPES: Mapping[str, Named] = {
    "aws_autoscaling_group": Named("name"),
    "aws_backup_plan": Named("name"),
    "aws_backup_vault": Named("name"),
    "aws_budgets_budget": Named("name"),
    "aws_cloudtrail": Named("name"),
    "aws_cloudwatch_metric_alarm": Named("alarm_name"),
    "aws_db_subnet_group": Named("name"),
    "aws_eip": TAG,
    "aws_eks_cluster": Named("name", "cluster"),
    "aws_elasticache_replication_group": Named("replication_group_id", "replication-group"),
    "aws_elasticache_subnet_group": Named("name"),
    "aws_flow_log": TAG,
    "aws_globalaccelerator_accelerator": Named("name"),
    "aws_iam_policy": Named("name", "role"),
    "aws_iam_role": Named("name", "role"),
    "aws_internet_gateway": TAG,
    "aws_ivs_channel": Named("name"),
    "aws_lambda_function": Named("function_name"),
    "aws_launch_template": Named("name"),
    "aws_lb": Named("name", "load-balancer"),
    "aws_lb_target_group": Named("name", "target-group"),
    "aws_nat_gateway": TAG,
    "aws_network_acl": TAG,
    "aws_rds_cluster": Named("cluster_identifier", "db-cluster"),
    "aws_rds_cluster_instance": Named("identifier", "db-cluster"),
    "aws_route_table": TAG,
    "aws_s3_bucket": Named("bucket", "bucket"),
    "aws_secretsmanager_secret": Named("name"),
    "aws_security_group": Named("name"),
    "aws_sns_topic": Named("name"),
    "aws_sqs_queue": Named("name"),
    "aws_subnet": TAG,
    "aws_vpc": TAG,
    "aws_vpc_endpoint": TAG,
    "aws_wafv2_web_acl": Named("name"),
}
"""The types that have a name by the rule; others are parts of these, or named by AWS."""


def rule_of(platform: Mapping[str, Any], region: str = ONCE) -> Convention:
    """Return the naming rule for what is built in a region.

    Parameters
    ----------
    platform
        ``spec`` of the platform's facts.
    """
    return convention(platform, {"environment": str(Environment.PROD), "region": region})


def faults(rule: Convention, resources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Iterate over what is wrong with the names of ``resources``, as Terraform's JSON has them."""
    for each in resources:
        named = TYPES.get(each["type"])
        if named is None:
            continue
        value: Any = each["values"]
        for key in named.field.split("."):
            value = (value or {}).get(key)
        for fault in name_faults(rule, Resource(named.kind, str(value or ""), None)):
            yield f"{each['address']}: {fault}"


def twice(resources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Iterate over identities whose name another of their type has: an account has one space for all regions."""
    first: dict[tuple[str, str], str] = {}
    for each in resources:
        name = each["values"].get("name")
        if each["type"].startswith("aws_iam_") and each["type"] in TYPES and name:
            before = first.setdefault((each["type"], name), each["address"])
            if before != each["address"]:
                yield f"{each['address']}: {before} is called {name} too"
