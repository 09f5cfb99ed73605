"""EKS: Auto Mode's settings, add-ons, access entries and Pod Identity. EC2's and SQS's small differences."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import moto.ec2.models.elastic_block_store as volumes
import moto.ec2.models.security_groups as groups
import moto.ec2.models.vpcs as networks
import moto.ec2.responses.launch_templates as templates
from moto.eks.models import Cluster, eks_backends
from moto.sqs.models import Queue, sqs_backends

from emulator.echo import Object, given, keep, now, short, tags
from emulator.front import ACCOUNT, TAGS, Answer, Call, Raw, Refused, operation

_SETTINGS: dict[str, Object] = {}
"""What of a cluster moto does not keep, by the cluster's ARN."""


@operation("eks", "CreateCluster")
def create_cluster(call: Call) -> Answer:
    answer = call.moto()
    if answer.status != 200:
        return answer
    cluster = eks_backends[ACCOUNT][call.region].clusters[call.params["name"]]
    access = given(call.params.get("accessConfig") or {})
    network = given(call.params.get("kubernetesNetworkConfig") or {})
    _SETTINGS[cluster.arn] = {
        "accessConfig": {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True, **access},
        "upgradePolicy": given(call.params.get("upgradePolicy") or {}) or {"supportType": "EXTENDED"},
        "computeConfig": given(call.params.get("computeConfig") or {}) or None,
        "storageConfig": given(call.params.get("storageConfig") or {}) or None,
        "zonalShiftConfig": given(call.params.get("zonalShiftConfig") or {}) or None,
        "kubernetesNetworkConfig": {"ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": False}, **network},
    }
    issuer = hashlib.sha256(cluster.arn.encode()).hexdigest()[:32].upper()
    cluster.identity = {"oidc": {"issuer": f"https://oidc.eks.{call.region}.amazonaws.com/id/{issuer}"}}
    cluster.resources_vpc_config = {**cluster.resources_vpc_config, "clusterSecurityGroupId": f"sg-{short(17)}"}
    return with_settings(answer, cluster)


@operation("eks", "DescribeCluster")
def describe_cluster(call: Call) -> Answer:
    answer = call.moto()
    if answer.status != 200:
        return answer
    return with_settings(answer, eks_backends[ACCOUNT][call.region].clusters[call.params["name"]])


def with_settings(answer: Raw, cluster: Cluster) -> Raw:
    """Return moto's answer with what it does not keep."""
    content = answer.json()
    content["cluster"].update({key: value for key, value in _SETTINGS.get(cluster.arn, {}).items() if value})
    content["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"] = cluster.resources_vpc_config.get(
        "clusterSecurityGroupId"
    )
    return answer._replace(body=json.dumps(content, default=str).encode())


def of_cluster(
    kind: str,
    names: tuple[str, str, str, str],
    key: str,
    out: str,
    arn: tuple[str, str],
    more: Callable[[Call], Object],
) -> None:
    """Register what belongs to a cluster: kept by cluster and ``key``, described under ``out``."""

    def make(call: Call) -> tuple[tuple[str, str], Object]:
        cluster = call.params["clusterName"]
        if cluster not in eks_backends[ACCOUNT][call.region].clusters:
            raise Refused("ResourceNotFoundException", f"No cluster found for name: {cluster}.")
        held = {**more(call), **given(call.params), "createdAt": now(), "modifiedAt": now()}
        identity = (cluster, held[key])
        if identity in call.store(kind):
            raise Refused("ResourceInUseException", f"{kind} {identity} exists")
        held[arn[0]] = call.arn(f"{arn[1]}/{cluster}/{hashlib.sha256(held[key].encode()).hexdigest()[:12]}")
        TAGS[held[arn[0]]] = held["tags"] = dict(call.params.get("tags") or {})
        return identity, held

    def identity(params: Mapping[str, Any]) -> tuple[str, str]:
        return params["clusterName"], params[key]

    keep("eks", kind, names=names, key=identity, make=make, out=out)


of_cluster(
    "addon",
    ("CreateAddon", "DescribeAddon", "UpdateAddon", "DeleteAddon"),
    "addonName",
    "addon",
    ("addonArn", "addon"),
    lambda _: {"status": "ACTIVE", "health": {"issues": []}, "addonVersion": "v1.0.0-eksbuild.1"},
)
of_cluster(
    "access entry",
    ("CreateAccessEntry", "DescribeAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry"),
    "principalArn",
    "accessEntry",
    ("accessEntryArn", "access-entry"),
    lambda call: {"kubernetesGroups": [], "type": "STANDARD", "username": call.params["principalArn"]},
)
of_cluster(
    "association",
    (
        "CreatePodIdentityAssociation",
        "DescribePodIdentityAssociation",
        "UpdatePodIdentityAssociation",
        "DeletePodIdentityAssociation",
    ),
    "associationId",
    "association",
    ("associationArn", "podidentityassociation"),
    lambda _: {"associationId": f"a-{short()}"},
)
tags("eks", out="tags", mapped=True)


@operation("eks", "ListPodIdentityAssociations")
def list_associations(call: Call) -> Answer:
    held = call.store("association").items()
    return {"associations": [each for (cluster, _), each in held if cluster == call.params["clusterName"]]}


@operation("eks", "ListAddons")
def list_addons(call: Call) -> Answer:
    return {"addons": [name for cluster, name in call.store("addon") if cluster == call.params["clusterName"]]}


@operation("eks", "AssociateAccessPolicy")
def associate_policy(call: Call) -> Answer:
    made = given({key: call.params.get(key) for key in ("policyArn", "accessScope")})
    made |= {"associatedAt": now(), "modifiedAt": now()}
    principal = call.params["clusterName"], call.params["principalArn"]
    call.store("policies").setdefault(principal, {})[call.params["policyArn"]] = made
    return {"clusterName": principal[0], "principalArn": principal[1], "associatedAccessPolicy": made}


@operation("eks", "ListAssociatedAccessPolicies")
def list_policies(call: Call) -> Answer:
    principal = call.params["clusterName"], call.params["principalArn"]
    held = list(call.store("policies").get(principal, {}).values())
    return {"clusterName": principal[0], "principalArn": principal[1], "associatedAccessPolicies": held}


@operation("eks", "DisassociateAccessPolicy")
def disassociate_policy(call: Call) -> Answer:
    principal = call.params["clusterName"], call.params["principalArn"]
    call.store("policies").get(principal, {}).pop(call.params["policyArn"], None)
    return {}


@operation("eks", "DescribeUpdate")
def describe_update(call: Call) -> Answer:
    update = {"id": call.params["updateId"] or str(uuid.uuid4()), "status": "Successful", "type": "AddonUpdate"}
    return {"update": {**update, "params": [], "errors": [], "createdAt": now()}}


_make_volume = volumes.EBSBackend.create_volume


def _volume(self: volumes.EBSBackend, *arguments: Any, **named: Any) -> object:
    """Encrypt where the region does so by default; moto knows the setting and makes no use of it."""
    if getattr(self, "ebs_encryption_by_default", False):
        named["encrypted"] = True
    return _make_volume(self, *arguments, **named)


volumes.EBSBackend.create_volume = _volume
_make_rule = groups.SecurityGroupRule.__init__


def _rule(self: groups.SecurityGroupRule, *arguments: Any, **named: Any) -> None:
    _make_rule(self, *arguments, **named)
    described = next((each for each in (*arguments, *named.values()) if _of_prefix_list(each)), None)
    if described is not None:
        self.__dict__["written"] = described.get("Description")


def _of_prefix_list(argument: object) -> bool:
    return isinstance(argument, dict) and "PrefixListId" in argument


groups.SecurityGroupRule.__init__ = _rule


def _description(rule: groups.SecurityGroupRule) -> object:
    return rule.ip_range.get("Description") or (rule.source_group or {}).get("Description") or _written(rule)


def _written(rule: groups.SecurityGroupRule) -> object:
    return rule.__dict__.get("written")


groups.SecurityGroupRule.description = property(
    _description, lambda rule, value: rule.__dict__.__setitem__("written", value)
)
_create_template = templates.LaunchTemplates.create_launch_template


def create_launch_template(self: templates.LaunchTemplates) -> object:
    """Create a launch template without its own tags among those of what it launches."""
    backend = self.ec2_backend
    real = backend.create_launch_template

    def without(name: str, description: str, data: dict[str, Any], tag_spec: object) -> object:
        kept = [each for each in data.pop("TagSpecifications", []) if each.get("ResourceType") != "launch-template"]
        return real(name, description, {**data, "TagSpecifications": kept} if kept else data, tag_spec)

    backend.create_launch_template = without
    try:
        return _create_template(self)
    finally:
        del backend.create_launch_template


templates.LaunchTemplates.create_launch_template = create_launch_template

_attributes = Queue.attributes.fget


def attributes(queue: Queue) -> dict[str, Any]:
    """Return a queue's attributes, its policies as compact as they were given."""
    found: dict[str, Any] = _attributes(queue)
    if queue.redrive_policy:
        found["RedrivePolicy"] = json.dumps(queue.redrive_policy, separators=(",", ":"))
    return found


Queue.attributes = property(attributes)


@operation("sqs", "SetQueueAttributes")
def set_attributes(call: Call) -> Answer:
    content = json.loads(call.body)
    allowed = (content.get("Attributes") or {}).pop("RedriveAllowPolicy", None)
    if allowed is None:
        return None
    queue = call.params["QueueUrl"].rpartition("/")[2]
    call.store("redrive")[queue] = {"policy": allowed}
    if content["Attributes"]:
        call.body = json.dumps(content).encode()
        return call.moto()
    return {}


@operation("sqs", "GetQueueAttributes")
def get_attributes(call: Call) -> Answer:
    asked = call.params.get("AttributeNames") or []
    queue = call.params["QueueUrl"].rpartition("/")[2]
    policy = call.store("redrive").get(queue, {}).get("policy")
    own = {"RedriveAllowPolicy": policy} if policy else {}
    if asked == ["RedriveAllowPolicy"] and queue in sqs_backends[ACCOUNT][call.region].queues:
        return {"Attributes": own}
    answer = call.moto()
    if "All" not in asked or answer.status != 200:
        return answer
    content = answer.json()
    content["Attributes"] = {**content.get("Attributes", {}), **own}
    return answer._replace(body=json.dumps(content).encode())


_delete_vpc = networks.VPCBackend.delete_vpc


def _with_its_acl(self: networks.VPCBackend, vpc_id: str) -> networks.VPC:
    gone = _delete_vpc(self, vpc_id)
    for name in [name for name, acl in self.network_acls.items() if acl.vpc_id == vpc_id]:
        del self.network_acls[name]  # the one that came with it
    return gone


networks.VPCBackend.delete_vpc = _with_its_acl
