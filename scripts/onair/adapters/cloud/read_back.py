"""Reads what is really there, by AWS's own interface and not out of Terraform's state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from onair.adapters.cloud.place import Place

Body = dict[str, Any]
NONE_YET = ("NoSuch", "NotFound", "ServerSideEncryptionConfigurationNotFound", "ReplicationConfigurationNotFound")


def snapshot(place: Place, home: str, regions: Mapping[str, Mapping[str, str]]) -> dict[str, list[Body]]:
    """Return what the audit looks at.

    Parameters
    ----------
    home
        Region that what exists once is asked in.
    regions
        By region, the tags that its resources must have.
    """
    found = {kind: list(reader(place, home)) for kind, reader in ONCE.items()}
    for region, tags in regions.items():
        for kind, reader in EACH.items():
            found.setdefault(kind, []).extend({"region": region, **body} for body in reader(place, region))
        for body in found["networks"]:
            if body["region"] == region:
                body["Wanted"] = tags
    return found


def pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterable[Body]:  # noqa: ANN401 - boto3
    """Iterate over everything that an operation lists, page after page."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
    else:
        yield from getattr(client, operation)(**arguments).get(key, [])


def _maybe(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        return call()
    except ClientError as error:
        if any(text in error.response["Error"]["Code"] for text in NONE_YET):
            return None
        raise


def tags_of(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return a list of tags as a map."""
    return {each["Key"]: each["Value"] for each in listed}


def _buckets(place: Place, home: str) -> Iterable[Body]:
    s3 = place.client("s3", home)
    for bucket in s3.list_buckets()["Buckets"]:
        name = {"Bucket": bucket["Name"]}
        encryption = _maybe(lambda: s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"])  # noqa: B023
        block = _maybe(lambda: s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"])  # noqa: B023
        policy = _maybe(lambda: s3.get_bucket_policy(**name)["Policy"])  # noqa: B023
        yield {
            "id": bucket["Name"],
            "region": home,
            "Encryption": encryption,
            "PublicAccessBlock": block,
            "Policy": json.loads(policy) if policy else None,
            "Versioning": s3.get_bucket_versioning(**name).get("Status"),
            "Tags": tags_of(_maybe(lambda: s3.get_bucket_tagging(**name)["TagSet"]) or []),  # noqa: B023
        }


def _roles(place: Place, home: str) -> Iterable[Body]:
    iam = place.client("iam", home)

    @cache
    def document(arn: str) -> Body:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        held: Body = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return held

    for role in pages(iam, "list_roles", "Roles"):
        name = {"RoleName": role["RoleName"]}
        whole = iam.get_role(**name)["Role"]
        own = pages(iam, "list_role_policies", "PolicyNames", **name)
        attached = pages(iam, "list_attached_role_policies", "AttachedPolicies", **name)
        boundary = (whole.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        yield {
            **whole,
            "id": role["RoleName"],
            "region": "global",
            # The pipeline's plan role only reads, and is outside; service-linked roles have another path.
            "Outside": role["RoleName"].endswith("-global-plan"),
            "Policies": [
                *(iam.get_role_policy(**name, PolicyName=str(each))["PolicyDocument"] for each in own),
                *(document(each["PolicyArn"]) for each in attached),
            ],
            "Boundary": document(boundary) if boundary else None,
        }


def _users(place: Place, home: str) -> Iterable[Body]:
    iam = place.client("iam", home)
    for user in pages(iam, "list_users", "Users"):
        name = {"UserName": user["UserName"]}
        password = _maybe(lambda: iam.get_login_profile(**name))  # noqa: B023
        devices = iam.list_mfa_devices(**name)["MFADevices"]
        yield {
            "id": user["UserName"],
            "region": "global",
            "Mfa": bool(devices) or password is None,
            "Keys": iam.list_access_keys(**name)["AccessKeyMetadata"],
            "Rights": [
                *pages(iam, "list_user_policies", "PolicyNames", **name),
                *pages(iam, "list_attached_user_policies", "AttachedPolicies", **name),
            ],
        }


def _trails(place: Place, home: str) -> Iterable[Body]:
    trail = place.client("cloudtrail", home)
    for each in trail.describe_trails()["trailList"]:
        status = trail.get_trail_status(Name=each["TrailARN"])
        yield {**each, "id": each["Name"], "region": home, "IsLogging": status["IsLogging"]}


def _accounts(place: Place, home: str) -> Iterable[Body]:
    iam = place.client("iam", home)
    policy = _maybe(lambda: iam.get_account_password_policy()["PasswordPolicy"]) or {}
    trails = place.client("cloudtrail", home).describe_trails()["trailList"]
    yield {**policy, "id": place.account, "region": "global", "Trails": len(trails)}


def _databases(place: Place, region: str) -> Iterable[Body]:
    for each in pages(place.client("rds", region), "describe_db_clusters", "DBClusters"):
        yield {**each, "id": each["DBClusterIdentifier"], "Tags": tags_of(each.get("TagList", []))}


def _caches(place: Place, region: str) -> Iterable[Body]:
    client = place.client("elasticache", region)
    for each in pages(client, "describe_replication_groups", "ReplicationGroups"):
        yield {**each, "id": each["ReplicationGroupId"]}


def _clusters(place: Place, region: str) -> Iterable[Body]:
    eks = place.client("eks", region)
    for name in pages(eks, "list_clusters", "clusters"):
        yield {**eks.describe_cluster(name=name)["cluster"], "id": name}


def _keys(place: Place, region: str) -> Iterable[Body]:
    kms = place.client("kms", region)
    for each in pages(kms, "list_keys", "Keys"):
        about = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if about["KeyManager"] == "CUSTOMER" and about["KeyState"] == "Enabled":
            rotated = kms.get_key_rotation_status(KeyId=each["KeyId"])["KeyRotationEnabled"]
            yield {"id": each["KeyId"], "Rotated": rotated}


def _queues(place: Place, region: str) -> Iterable[Body]:
    sqs = place.client("sqs", region)
    for url in pages(sqs, "list_queues", "QueueUrls"):
        held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        yield {**held, "id": str(url).rpartition("/")[2]}


def _topics(place: Place, region: str) -> Iterable[Body]:
    sns = place.client("sns", region)
    for each in pages(sns, "list_topics", "Topics"):
        held = sns.get_topic_attributes(TopicArn=each["TopicArn"])["Attributes"]
        yield {**held, "id": each["TopicArn"].rpartition(":")[2]}


def _logs(place: Place, region: str) -> Iterable[Body]:
    for each in pages(place.client("logs", region), "describe_log_groups", "logGroups"):
        yield {**each, "id": each["logGroupName"]}


def _volumes(place: Place, region: str) -> Iterable[Body]:
    for each in pages(place.client("ec2", region), "describe_volumes", "Volumes"):
        yield {**each, "id": each["VolumeId"]}


def _regions(place: Place, region: str) -> Iterable[Body]:
    default = place.client("ec2", region).get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    backup = place.client("backup", region)
    plans = [
        backup.get_backup_plan(BackupPlanId=each["BackupPlanId"])["BackupPlan"]
        for each in pages(backup, "list_backup_plans", "BackupPlansList")
    ]
    yield {"id": region, "EbsEncryption": default, "Plans": plans}


def _ours(place: Place, region: str) -> list[Body]:
    """Return the networks that somebody made; every account has one of AWS's own."""
    return [each for each in pages(place.client("ec2", region), "describe_vpcs", "Vpcs") if not each.get("IsDefault")]


def _networks(place: Place, region: str) -> Iterable[Body]:
    logged = {each["ResourceId"] for each in pages(place.client("ec2", region), "describe_flow_logs", "FlowLogs")}
    for each in _ours(place, region):
        yield {"id": each["VpcId"], "FlowLogs": each["VpcId"] in logged, "Tags": tags_of(each.get("Tags", []))}


def _groups(place: Place, region: str) -> Iterable[Body]:
    ours = [each["VpcId"] for each in _ours(place, region)]
    for each in pages(place.client("ec2", region), "describe_security_groups", "SecurityGroups"):
        if each.get("VpcId") in ours:
            tier = tags_of(each.get("Tags", [])).get("tier", each["GroupName"])
            yield {**each, "id": each["GroupName"], "Tier": tier}


def _tables(place: Place, region: str) -> Iterable[Body]:
    ours = [each["VpcId"] for each in _ours(place, region)]
    for each in pages(place.client("ec2", region), "describe_route_tables", "RouteTables"):
        held = each["Associations"]
        spare = any(one.get("Main") for one in held) and not any(one.get("SubnetId") for one in held)
        if each["VpcId"] in ours and not spare:  # the one that came with the VPC, and no subnet uses
            name = str(tags_of(each.get("Tags", [])).get("Name", each["RouteTableId"]))
            tier = next((part for part in ("public", "db") if name.endswith(f"-{part}")), "private")
            yield {**each, "id": name, "Tier": tier}


def _acls(place: Place, region: str) -> Iterable[Body]:
    ec2 = place.client("ec2", region)
    ours = [each["VpcId"] for each in _ours(place, region)]
    subnets = {
        each["SubnetId"]: {**each, "Tier": tags_of(each.get("Tags", [])).get("tier", "")}
        for each in pages(ec2, "describe_subnets", "Subnets")
    }
    for each in pages(ec2, "describe_network_acls", "NetworkAcls"):
        if each["VpcId"] in ours:
            held = [subnets[one["SubnetId"]] for one in each["Associations"] if one["SubnetId"] in subnets]
            yield {**each, "id": each["NetworkAclId"], "Subnets": held}


ONCE: dict[str, Callable[[Place, str], Iterable[Body]]] = {
    "buckets": _buckets,
    "roles": _roles,
    "users": _users,
    "trails": _trails,
    "accounts": _accounts,
}
EACH: dict[str, Callable[[Place, str], Iterable[Body]]] = {
    "databases": _databases,
    "caches": _caches,
    "clusters": _clusters,
    "keys": _keys,
    "queues": _queues,
    "topics": _topics,
    "logs": _logs,
    "volumes": _volumes,
    "regions": _regions,
    "networks": _networks,
    "groups": _groups,
    "tables": _tables,
    "acls": _acls,
}
