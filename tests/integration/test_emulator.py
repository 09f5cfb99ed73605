"""The emulator answers what moto does not, as AWS does: asked by boto3, as Terraform asks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onair.adapters.cloud import place as places
from onair.adapters.cloud.place import Place

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
REGION = "us-west-2"
ROLE = "arn:aws:iam::123456789012:role/somebody"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An emulator of its own, whose files lie elsewhere."""
    root = tmp_path_factory.mktemp("clone")
    (root / "tests").symlink_to(ROOT / "tests")
    yield places.emulator(root, start=True)
    places.stop(root)


def code(action: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_auto_modes_settings_are_told_back(aws: Place) -> None:
    eks = aws.client("eks", REGION)
    eks.create_cluster(
        name="one",
        roleArn=ROLE,
        resourcesVpcConfig={"subnetIds": ["subnet-1"], "endpointPublicAccess": False},
        accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        computeConfig={"enabled": True},
        storageConfig={"blockStorage": {"enabled": True}},
        kubernetesNetworkConfig={"serviceIpv4Cidr": "10.65.128.0/20", "elasticLoadBalancing": {"enabled": True}},
    )
    told = eks.describe_cluster(name="one")["cluster"]
    assert told["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    assert told["computeConfig"] == {"enabled": True}
    assert told["storageConfig"] == {"blockStorage": {"enabled": True}}
    assert told["kubernetesNetworkConfig"]["elasticLoadBalancing"] == {"enabled": True}


def test_what_belongs_to_a_cluster_is_kept_and_goes(aws: Place) -> None:
    eks = aws.client("eks", REGION)
    eks.create_cluster(name="two", roleArn=ROLE, resourcesVpcConfig={"subnetIds": ["subnet-1"]})
    assert code(eks.create_addon, clusterName="none", addonName="a") == "ResourceNotFoundException"
    eks.create_addon(clusterName="two", addonName="cert-manager", tags={"owner": "platform"})
    addon = eks.describe_addon(clusterName="two", addonName="cert-manager")["addon"]
    assert eks.list_tags_for_resource(resourceArn=addon["addonArn"])["tags"] == {"owner": "platform"}
    assert code(eks.create_addon, clusterName="two", addonName="cert-manager") == "ResourceInUseException"
    eks.delete_addon(clusterName="two", addonName="cert-manager")
    assert code(eks.describe_addon, clusterName="two", addonName="cert-manager") == "ResourceNotFoundException"
    eks.create_access_entry(clusterName="two", principalArn=ROLE, type="EC2")
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    eks.associate_access_policy(
        clusterName="two", principalArn=ROLE, policyArn=policy, accessScope={"type": "cluster", "namespaces": []}
    )
    held = eks.list_associated_access_policies(clusterName="two", principalArn=ROLE)["associatedAccessPolicies"]
    assert [each["policyArn"] for each in held] == [policy]
    made = eks.create_pod_identity_association(clusterName="two", namespace="shop", serviceAccount="web", roleArn=ROLE)
    identity = made["association"]["associationId"]
    told = eks.describe_pod_identity_association(clusterName="two", associationId=identity)["association"]
    assert (told["serviceAccount"], told["roleArn"]) == ("web", ROLE)


def test_global_accelerator_keeps_endpoints(aws: Place) -> None:
    ga = aws.client("globalaccelerator", REGION)
    accelerator = ga.create_accelerator(Name="one", IdempotencyToken="1")["Accelerator"]["AcceleratorArn"]
    ports = [{"FromPort": 443, "ToPort": 443}]
    listener = ga.create_listener(AcceleratorArn=accelerator, PortRanges=ports, Protocol="TCP", IdempotencyToken="2")[
        "Listener"
    ]["ListenerArn"]
    group = ga.create_endpoint_group(
        ListenerArn=listener,
        EndpointGroupRegion=REGION,
        EndpointConfigurations=[{"EndpointId": "arn:lb", "ClientIPPreservationEnabled": True}],
        IdempotencyToken="3",
    )["EndpointGroup"]
    assert [each["ClientIPPreservationEnabled"] for each in group["EndpointDescriptions"]] == [True]
    ga.delete_listener(ListenerArn=listener)
    assert code(ga.describe_listener, ListenerArn=listener) == "ListenerNotFoundException"


def test_a_global_database_that_is_none_is_not_found(aws: Place) -> None:
    rds = aws.client("rds", REGION)
    assert code(rds.describe_global_clusters, GlobalClusterIdentifier="none") == "GlobalClusterNotFoundFault"
    assert rds.describe_global_clusters()["GlobalClusters"] == []


def test_a_database_becomes_a_global_one(aws: Place) -> None:
    rds = aws.client("rds", REGION)
    made = rds.create_db_cluster(
        DBClusterIdentifier="one", Engine="aurora-postgresql", MasterUsername="x", ManageMasterUserPassword=True
    )["DBCluster"]["DBClusterArn"]
    rds.create_global_cluster(GlobalClusterIdentifier="all", SourceDBClusterIdentifier=made)
    (found,) = rds.describe_global_clusters(GlobalClusterIdentifier="all")["GlobalClusters"]
    assert [each["DBClusterArn"] for each in found["GlobalClusterMembers"]] == [made]


def test_a_bucket_that_asks_for_tls_still_answers(aws: Place) -> None:
    s3 = aws.client("s3", REGION)
    s3.create_bucket(Bucket="one", CreateBucketConfiguration={"LocationConstraint": REGION})
    denied = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"}
    denied["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}  # type: ignore[assignment]
    s3.put_bucket_policy(Bucket="one", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    s3.put_object(Bucket="one", Key="state", Body=b"{}")
    assert s3.get_object(Bucket="one", Key="state")["Body"].read() == b"{}"


def test_a_replication_is_told_back_whole(aws: Place) -> None:
    s3 = aws.client("s3", REGION)
    for name in ("source", "target"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "copy",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": "arn:aws:s3:::target",
            "StorageClass": "STANDARD_IA",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:us-west-2:123456789012:key/one"},
        },
    }
    s3.put_bucket_replication(Bucket="source", ReplicationConfiguration={"Role": ROLE, "Rules": [rule]})
    told = s3.get_bucket_replication(Bucket="source")["ReplicationConfiguration"]
    assert told == {"Role": ROLE, "Rules": [rule]}
    s3.delete_bucket_replication(Bucket="source")
    assert code(s3.get_bucket_replication, Bucket="source") == "ReplicationConfigurationNotFoundError"


def test_a_queues_policies_are_told_back_as_they_were_given(aws: Place) -> None:
    sqs = aws.client("sqs", REGION)
    url = sqs.create_queue(QueueName="one")["QueueUrl"]
    policy = '{"redrivePermission":"byQueue"}'
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedriveAllowPolicy": policy})
    for asked in ("All", "RedriveAllowPolicy"):
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[asked])["Attributes"]
        assert told["RedriveAllowPolicy"] == policy


def test_a_rule_keeps_its_description_whatever_its_peer(aws: Place) -> None:
    ec2 = aws.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="192.0.2.0/24")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    peers: list[dict[str, Any]] = [
        {"PrefixListIds": [{"PrefixListId": lists[0]["PrefixListId"], "Description": "why"}]},
        {"UserIdGroupPairs": [{"GroupId": group, "Description": "why"}]},
        {"IpRanges": [{"CidrIp": "192.0.2.0/25", "Description": "why"}]},
    ]
    for peer in peers:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**rule, **peer}])
    only = [{"Name": "group-id", "Values": [group]}]
    found = [
        each for each in ec2.describe_security_group_rules(Filters=only)["SecurityGroupRules"] if not each["IsEgress"]
    ]
    assert [each.get("Description") for each in found] == ["why"] * 3


def test_what_nobody_knows_is_refused_at_once_and_listed(aws: Place) -> None:
    assert code(aws.client("chatbot", REGION).describe_slack_workspaces) == "NotEmulated"


def test_a_detectors_features_are_set_one_by_one(aws: Place) -> None:
    watchman = aws.client("guardduty", REGION)
    detector = watchman.create_detector(Enable=True)["DetectorId"]
    for name, status in (
        ("S3_DATA_EVENTS", "ENABLED"),
        ("RDS_LOGIN_EVENTS", "ENABLED"),
        ("S3_DATA_EVENTS", "DISABLED"),
    ):
        watchman.update_detector(DetectorId=detector, Features=[{"Name": name, "Status": status}])
    told = watchman.get_detector(DetectorId=detector)["Features"]
    assert {each["Name"]: each["Status"] for each in told} == {
        "S3_DATA_EVENTS": "DISABLED",
        "RDS_LOGIN_EVENTS": "ENABLED",
    }


def test_of_two_global_databases_the_one_that_is_asked_for_is_told(aws: Place) -> None:
    rds = aws.client("rds", REGION)
    for name in ("onair-prod-kr-global", "onair-prod-us-global"):
        rds.create_global_cluster(GlobalClusterIdentifier=name, Engine="aurora-postgresql")
    (found,) = rds.describe_global_clusters(GlobalClusterIdentifier="onair-prod-us-global")["GlobalClusters"]
    assert found["GlobalClusterIdentifier"] == "onair-prod-us-global"
    every = {each["GlobalClusterIdentifier"] for each in rds.describe_global_clusters()["GlobalClusters"]}
    assert every >= {"onair-prod-kr-global", "onair-prod-us-global"}


def test_a_volume_is_encrypted_where_the_region_does_so_by_default(aws: Place) -> None:
    ec2 = aws.client("ec2", "eu-west-1")
    plain = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)
    ec2.enable_ebs_encryption_by_default()
    held = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)
    assert (plain["Encrypted"], held["Encrypted"]) == (False, True)


def test_a_bucket_with_old_versions_is_emptied(aws: Place) -> None:
    s3 = aws.client("s3", REGION)
    s3.create_bucket(Bucket="old", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="old", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="old", Key="a", Body=b"1")
    s3.delete_object(Bucket="old", Key="a")
    told = s3.list_object_versions(Bucket="old")
    kept = [*told["Versions"], *told["DeleteMarkers"]]
    names = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in kept]
    assert len(s3.delete_objects(Bucket="old", Delete={"Objects": names})["Deleted"]) == 2
    s3.delete_bucket(Bucket="old")


def test_a_secrets_replica_is_under_the_key_that_was_asked_for(aws: Place) -> None:
    manager = aws.client("secretsmanager", REGION)
    key = "arn:aws:kms:ap-northeast-2:123456789012:key/one"
    asked = [{"Region": "ap-northeast-2", "KmsKeyId": key}, {"Region": "us-east-1"}]
    made = manager.create_secret(Name="replicated", AddReplicaRegions=asked)["ARN"]
    told = manager.describe_secret(SecretId=made)["ReplicationStatus"]
    assert {each["Region"]: each["KmsKeyId"] for each in told} == {
        "ap-northeast-2": key,
        "us-east-1": "alias/aws/secretsmanager",
    }


def test_a_key_of_awss_own_is_not_the_accounts(aws: Place) -> None:
    ec2, kms = aws.client("ec2", REGION), aws.client("kms", REGION)
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)
    held = kms.describe_key(KeyId=volume["KmsKeyId"])["KeyMetadata"]
    own = kms.describe_key(KeyId=kms.create_key()["KeyMetadata"]["KeyId"])["KeyMetadata"]
    assert (held["KeyManager"], own["KeyManager"]) == ("AWS", "CUSTOMER")


def test_what_comes_with_a_network_goes_with_it(aws: Place) -> None:
    ec2 = aws.client("ec2", REGION)
    before = len(ec2.describe_network_acls()["NetworkAcls"])
    network = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert len(ec2.describe_network_acls()["NetworkAcls"]) == before + 1
    ec2.delete_vpc(VpcId=network)
    assert len(ec2.describe_network_acls()["NetworkAcls"]) == before


def test_a_trail_is_deleted_by_its_arn(aws: Place) -> None:
    trail = aws.client("cloudtrail", REGION)
    aws.client("s3", REGION).create_bucket(Bucket="trails", CreateBucketConfiguration={"LocationConstraint": REGION})
    arn = trail.create_trail(Name="all", S3BucketName="trails")["TrailARN"]
    trail.delete_trail(Name=arn)
    assert trail.describe_trails()["trailList"] == []
