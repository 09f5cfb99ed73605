"""Lists what there is in an account, kind by kind: what is still there after a destroy that was not there before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from onair.adapters.cloud.place import BEFORE, Place
from onair.adapters.cloud.read_back import pages
from onair.core.finding import Finding

Body = Mapping[str, Any]
Listing = dict[str, list[str]]
"""Ids by ``<kind>`` or ``<kind> <region>``."""
GONE = ("deleted", "deleting", "terminated", "shutting-down", "PendingDeletion", "PendingReplicaDeletion")
"""States of what is as good as gone; AWS tells of it for hours."""


class Kind(NamedTuple):
    """One kind of object, and how AWS lists it.

    Attributes
    ----------
    ids
        Field with the id; empty where the list has nothing but ids.
    state
        Field with the state, where it is told of after its end; parts of a path by dots.
    """

    service: str
    operation: str
    key: str
    ids: str
    state: str = ""
    arguments: Mapping[str, Any] = {}


EACH: Mapping[str, Kind] = {
    "network": Kind("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "subnet": Kind("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "internet gateway": Kind("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "NAT gateway": Kind("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", "State"),
    "address": Kind("ec2", "describe_addresses", "Addresses", "AllocationId"),
    "route table": Kind("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "security group": Kind("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "network ACL": Kind("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    "endpoint": Kind("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "State"),
    "flow log": Kind("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "peering": Kind(
        "ec2", "describe_vpc_peering_connections", "VpcPeeringConnections", "VpcPeeringConnectionId", "Status.Code"
    ),
    "launch template": Kind("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    "volume": Kind("ec2", "describe_volumes", "Volumes", "VolumeId"),
    "machines": Kind("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    "load balancer": Kind("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    "target group": Kind("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    "cluster": Kind("eks", "list_clusters", "clusters", ""),
    "database": Kind("rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    "database instance": Kind("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    "global database": Kind("rds", "describe_global_clusters", "GlobalClusters", "GlobalClusterIdentifier"),
    "database subnets": Kind("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    "cache": Kind("elasticache", "describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"),
    "queue": Kind("sqs", "list_queues", "QueueUrls", ""),
    "topic": Kind("sns", "list_topics", "Topics", "TopicArn"),
    "secret": Kind("secretsmanager", "list_secrets", "SecretList", "Name"),
    "key's name": Kind("kms", "list_aliases", "Aliases", "AliasName"),
    "log group": Kind("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "vault": Kind("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
    "backup plan": Kind("backup", "list_backup_plans", "BackupPlansList", "BackupPlanName"),
    "image repository": Kind("ecr", "describe_repositories", "repositories", "repositoryName"),
    "channel": Kind("ivs", "list_channels", "channels", "arn"),
    "alarm": Kind("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "event rule": Kind("events", "list_rules", "Rules", "Name"),
    "event destination": Kind("events", "list_api_destinations", "ApiDestinations", "Name"),
    "event connection": Kind("events", "list_connections", "Connections", "Name"),
    "recorder": Kind("config", "describe_configuration_recorders", "ConfigurationRecorders", "name"),
    "detector": Kind("guardduty", "list_detectors", "DetectorIds", ""),
    "analyzer": Kind("accessanalyzer", "list_analyzers", "analyzers", "name"),
    "certificate": Kind("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
}
"""What is asked for in every region."""
ONCE: Mapping[str, Kind] = {
    "bucket": Kind("s3", "list_buckets", "Buckets", "Name"),
    "role": Kind("iam", "list_roles", "Roles", "RoleName"),
    "policy": Kind("iam", "list_policies", "Policies", "PolicyName", arguments={"Scope": "Local"}),
    "user": Kind("iam", "list_users", "Users", "UserName"),
    "group of users": Kind("iam", "list_groups", "Groups", "GroupName"),
    "instance profile": Kind("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    "identity provider": Kind("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    "zone": Kind("route53", "list_hosted_zones", "HostedZones", "Id"),
    "health check": Kind("route53", "list_health_checks", "HealthChecks", "Id"),
    "accelerator": Kind("globalaccelerator", "list_accelerators", "Accelerators", "AcceleratorArn"),
    "distribution": Kind("cloudfront", "list_distributions", "DistributionList.Items", "Id"),
    "trail": Kind("cloudtrail", "describe_trails", "trailList", "Name"),
}
"""What there is one list of, asked in the home region."""
BEYOND: Mapping[str, Kind] = {
    "firewall": Kind("wafv2", "list_web_acls", "WebACLs", "Name", arguments={"Scope": "CLOUDFRONT"}),
}
"""What only CloudFront's region lists."""


def take(place: Place, home: str, regions: Sequence[str], edge: str) -> Listing:
    """Return what there is.

    Parameters
    ----------
    home
        Region that is asked for what there is one list of.
    regions
        Regions that are built in.
    edge
        CloudFront's region.
    """
    found = {name: _ids(place, kind, home) for name, kind in ONCE.items()}
    found |= {name: _ids(place, kind, edge) for name, kind in BEYOND.items()}
    for region in sorted({home, edge, *regions}):
        found |= {f"{name} in {region}": _ids(place, kind, region) for name, kind in EACH.items()}
        found[f"key in {region}"] = sorted(_keys(place, region))
    return found


def _ids(place: Place, kind: Kind, region: str) -> list[str]:
    client = place.client(kind.service, region)
    top, _, below = kind.key.partition(".")
    if below:  # CloudFront's list lies in an object
        listed = getattr(client, kind.operation)(**kind.arguments)[top].get(below) or []
    else:
        listed = list(pages(client, kind.operation, top, **kind.arguments))
    return sorted(str(each[kind.ids]) if kind.ids else str(each) for each in listed if _there(kind, each))


def _there(kind: Kind, body: Any) -> bool:  # noqa: ANN401 - boto3's answers
    value = body
    for part in filter(None, kind.state.split(".")):
        value = value.get(part, {})
    return not kind.state or str(value) not in GONE


def _keys(place: Place, region: str) -> Iterator[str]:
    kms = place.client("kms", region)
    for each in pages(kms, "list_keys", "Keys"):
        about = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if about["KeyManager"] == "CUSTOMER" and about["KeyState"] not in GONE:
            yield str(each["KeyId"])


def note(root: Path, listing: Callable[[], Listing]) -> None:
    """Keep what there was before anything was built; what was kept earlier stays."""
    file = root / BEFORE
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(listing(), indent=1))


def noted(root: Path) -> Listing | None:
    """Return what there was before, None where nobody noted it."""
    try:
        kept: Listing = json.loads((root / BEFORE).read_text())
    except (OSError, ValueError):
        return None
    return kept


def forget(root: Path) -> None:
    """Forget what there was before: all is down."""
    (root / BEFORE).unlink(missing_ok=True)


def left(before: Listing, after: Listing) -> Iterator[Finding]:
    """Find what is there and was not there before."""
    for kind, ids in after.items():
        for each in sorted(set(ids) - set(before.get(kind, []))):
            what = f"{kind}: {each} is left"
            mend = "again: onair cloud down; what Terraform does not know of is taken away by hand"
            yield Finding(rule="cloud/left", what=what, why="it costs, and a new build may stumble over it", mend=mend)
