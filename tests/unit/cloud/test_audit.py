"""The audit: for every rule a bad resource is made by boto3, outside Terraform, and the rule finds it."""

import json
from collections.abc import Callable
from pathlib import Path

from onair.adapters import facts_file
from onair.adapters.cloud import facts_file as cloud_file
from onair.adapters.cloud.place import Place
from onair.adapters.cloud.read_back import snapshot
from onair.core.cloud import audit, flows

ROOT = Path(__file__).resolve().parents[3]
FACTS = facts_file.read(ROOT)
SPEC = cloud_file.read(ROOT, FACTS)
REGION = "us-west-2"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
ALLOWED = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})
MATRIX = flows.wanted(SPEC.flows, FACTS.platform.spec.edge.model_dump(by_alias=True))


def found(place: Place) -> set[str]:
    seen = snapshot(place, REGION, {REGION: {"owner": "platform"}})
    return {finding.rule for finding in audit.judge(seen)}


def network(place: Place) -> str:
    vpc: str = place.client("ec2", REGION).create_vpc(CidrBlock="192.0.2.0/24")["Vpc"]["VpcId"]
    return vpc


def bucket(place: Place) -> None:
    s3 = place.client("s3", REGION)
    s3.create_bucket(Bucket="bad", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.delete_bucket_encryption(Bucket="bad")
    s3.create_bucket(Bucket="bad-media-1", CreateBucketConfiguration={"LocationConstraint": REGION})


def database(place: Place) -> None:
    keys = {"MasterUsername": "somebody", "MasterUserPassword": "made-by-hand"}
    place.client("rds", REGION).create_db_cluster(
        DBClusterIdentifier="bad", Engine="aurora-postgresql", StorageEncrypted=False, BackupRetentionPeriod=0, **keys
    )


def cache(place: Place) -> None:
    words = {"ReplicationGroupId": "bad", "ReplicationGroupDescription": "bad"}
    client = place.client("elasticache", REGION)
    client.create_replication_group(**words, TransitEncryptionEnabled=False, AtRestEncryptionEnabled=False)


def cluster(place: Place) -> None:
    role = place.client("iam", REGION).create_role(RoleName="bad", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    place.client("eks", REGION).create_cluster(
        name="bad", roleArn=role, resourcesVpcConfig={"subnetIds": [], "endpointPublicAccess": True}
    )


def trail(place: Place) -> None:
    bucket(place)
    place.client("cloudtrail", REGION).create_trail(Name="bad", S3BucketName="bad", IsMultiRegionTrail=False)


def test_a_plan_that_leaves_its_backups_in_one_region_is_found(place: Place) -> None:
    backup = place.client("backup", REGION)
    backup.create_backup_vault(BackupVaultName="bad")
    rule = {"RuleName": "bad", "TargetBackupVaultName": "bad"}
    backup.create_backup_plan(BackupPlan={"BackupPlanName": "bad", "Rules": [rule]})
    seen = snapshot(place, REGION, {REGION: {}})
    told = [each.what for each in audit.judge(seen) if each.rule == "cloud/backup-plan"]
    assert told == [f"{REGION} ({REGION}): backups stay in one region"]


def open_port(place: Place) -> None:
    ec2 = place.client("ec2", REGION)
    group = ec2.create_security_group(GroupName="bad", Description="bad", VpcId=network(place))["GroupId"]
    everyone = [{"CidrIp": "0.0.0.0/0"}]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": everyone}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def way_out(place: Place) -> None:
    ec2, vpc = place.client("ec2", REGION), network(place)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    named = [{"ResourceType": "route-table", "Tags": [{"Key": "Name", "Value": "bad-db"}]}]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def user(place: Place) -> None:
    iam = place.client("iam", REGION)
    iam.create_user(UserName="bad")
    iam.create_login_profile(UserName="bad", Password="made-by-hand")
    iam.create_access_key(UserName="bad")
    iam.put_user_policy(UserName="bad", PolicyName="bad", PolicyDocument=EVERYTHING)


def others(place: Place) -> None:
    place.client("kms", REGION).create_key()
    place.client("sqs", REGION).create_queue(QueueName="bad")
    place.client("sns", REGION).create_topic(Name="bad")
    place.client("logs", REGION).create_log_group(logGroupName="bad")
    place.client("ec2", REGION).create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=False)


BAD: tuple[Callable[[Place], None], ...] = (database, cache, cluster, trail, open_port, way_out, user, others)


def test_an_empty_account_has_only_what_it_lacks_and_what_is_bad_is_found(place: Place) -> None:
    lacking = {"cloud/volume-default", "cloud/password-policy", "cloud/trail-there", "cloud/backup-plan"}
    assert found(place) == lacking
    for make in BAD:
        make(place)
    # each rule finds what was made by hand, but that there is a trail now
    assert found(place) == {rule.id for rule in audit.RULES} - {"cloud/trail-there"}


def test_only_the_was_tier_and_the_bastion_reach_the_database() -> None:
    assert {each.source for each in MATRIX if each.to == "db"} == {"was", "bastion"}
    assert {each.source for each in MATRIX if each.to == "lb"} == {"edge"}
    assert {each.source for each in MATRIX if each.to == "internet"} == {"was", "bastion"}
