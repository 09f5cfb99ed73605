"""The naming rule and the tags of cloud resources: one implementation for manifests and for Terraform plans.

Pattern and tags are facts (``spec.naming`` and ``spec.tags`` of ``clusters/platform/platform.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from onair.core.finding import Finding
from onair.core.gate.invariants.fields import mapping, mappings
from onair.core.gate.invariants.index import index
from onair.core.gate.model import Estate, Object, Path, Rule

PLATFORM = "clusters/platform/platform.yaml"
ROLE = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
DEFAULT_LIMIT = 63
LIMITS = {
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
    "load-balancer": 32,
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    "target-group": 32,
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
    "replication-group": 40,
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    "role": 64,
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    "bucket": 63,
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
    "db-cluster": 63,
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
    "cluster": 100,
}
"""Characters of a name, by the kind of resource."""


class Convention(NamedTuple):
    """The rule, as the facts state it for one environment and region.

    Attributes
    ----------
    pattern
        E.g. ``onair-{environment}-{region}-{role}``.
    tags
        What every resource carries, with its value.
    """

    pattern: str
    environment: str
    region: str
    tags: Mapping[str, str]

    def name(self, role: str) -> str:
        """Return the name of the resource with this role, e.g. ``onair-prod-kr-db``."""
        return self.pattern.format(environment=self.environment, region=self.region, role=role)


class Resource(NamedTuple):
    """A cloud resource, wherever it is written.

    Attributes
    ----------
    kind
        A key of :data:`LIMITS`, or any other word.
    name
        None where the resource has none of its own.
    tags
        None where it cannot carry any.
    """

    kind: str
    name: str | None
    tags: Mapping[str, str] | None


def convention(platform: Mapping[str, Any], cluster: Mapping[str, Any]) -> Convention:
    """Return the convention of one cluster, out of the ``spec`` of the platform's and the cluster's facts."""
    environment, region = str(cluster.get("environment")), str(cluster.get("region"))
    tags = {**(platform.get("tags") or {}), "environment": environment, "region": region}
    return Convention(str((platform.get("naming") or {}).get("resource", "")), environment, region, tags)


def name_faults(rule: Convention, resource: Resource) -> list[str]:
    """Return what is wrong with a resource's name."""
    name, limit = resource.name, LIMITS.get(resource.kind, DEFAULT_LIMIT)
    if name is None:
        return []
    expected = re.escape(rule.name("\0")).replace(re.escape("\0"), ROLE)
    found = [] if re.fullmatch(expected, name) else [f"{name} is not {rule.name('<role>')}"]
    if len(name) > limit:
        found.append(f"{name} has {len(name)} characters, more than {limit}")
    return found


def tag_faults(rule: Convention, resource: Resource) -> list[str]:
    """Return which tags a resource lacks or has wrong."""
    if resource.tags is None:
        return []
    missing = [f"no tag {key} (want {value})" for key, value in rule.tags.items() if key not in resource.tags]
    return missing + [
        f"tag {key} is {resource.tags[key]}, not {value}"
        for key, value in rule.tags.items()
        if key in resource.tags and resource.tags[key] != value
    ]


def resource_names(estate: Estate) -> Iterator[Finding]:
    """Find manifests that would make a cloud resource with another name."""
    for owner, at, resource in _resources(estate):
        rule = convention(estate.platform, estate.clusters.get(owner.cluster, {}))
        for fault in name_faults(rule, resource):
            mend = f"call it {rule.name('<role>')}, within {LIMITS.get(resource.kind, DEFAULT_LIMIT)} characters"
            yield estate.finding("naming/resource", owner, fault, at=at, why=NAME.why, mend=mend)


def resource_tags(estate: Estate) -> Iterator[Finding]:
    """Find manifests that would make a cloud resource without its tags."""
    for owner, at, resource in _resources(estate):
        rule = convention(estate.platform, estate.clusters.get(owner.cluster, {}))
        for fault in tag_faults(rule, resource):
            wanted = ", ".join(f"{key}={value}" for key, value in rule.tags.items())
            yield estate.finding("naming/tags", owner, fault, at=at, why=TAGS.why, mend=f"tag it: {wanted}")


def cluster_names(estate: Estate) -> Iterator[Finding]:
    """Find clusters that are not called ``<environment>-<region>``."""
    for name, facts in estate.clusters.items():
        want = f"{facts.get('environment')}-{facts.get('region')}"
        if name != want:
            yield Finding(
                rule="naming/cluster",
                what=f"cluster {name} should be {want}",
                why=CLUSTER.why,
                mend=f"rename the folder to clusters/{want}, or correct environment and region",
                file=f"clusters/{name}/facts/cluster.yaml",
            )


_LB = "service.beta.kubernetes.io/aws-load-balancer-"


def _resources(estate: Estate) -> Iterator[tuple[Object, Path, Resource]]:
    """Find what controllers in a cluster make cloud resources of."""
    for owner in index(estate).of("Service"):
        notes = mapping(owner.metadata.get("annotations"))
        if owner.get("spec", "type") == "LoadBalancer":
            tags = _pairs(notes.get(f"{_LB}additional-resource-tags"))
            yield (
                owner,
                ("metadata", "annotations"),
                Resource("load-balancer", str(notes.get(f"{_LB}name") or ""), tags),
            )
    for owner in index(estate).of("ServiceAccount"):
        role = mapping(owner.metadata.get("annotations")).get("eks.amazonaws.com/role-arn")
        if isinstance(role, str):
            yield owner, ("metadata", "annotations"), Resource("role", role.rpartition("/")[2], None)
    for owner in index(estate).of("NodeClass", "EC2NodeClass"):
        yield owner, ("spec", "tags"), Resource("node", None, mapping(owner.get("spec", "tags")))
    for owner in index(estate).of("StorageClass"):
        if str(owner.get("provisioner")).startswith("ebs.csi."):
            listed = {
                key: value for key, value in mapping(owner.get("parameters")).items() if "tagSpecification" in key
            }
            yield owner, ("parameters",), Resource("volume", None, _pairs(",".join(map(str, listed.values()))))
    for owner in index(estate).of("IngressClassParams"):
        tags = {str(each.get("key")): str(each.get("value")) for each in mappings(owner.get("spec", "tags"))}
        yield owner, ("spec", "tags"), Resource("load-balancer", str(owner.get("spec", "loadBalancerName") or ""), tags)


def _pairs(text: object) -> dict[str, str]:
    """Read ``key=value,key=value``."""
    entries = text.split(",") if isinstance(text, str) else []
    return {key.strip(): value.strip() for key, _, value in (each.partition("=") for each in entries) if key.strip()}


NAME = Rule(
    "naming/resource",
    "a name says environment, region and role: people, policies and cost reports find resources by it",
    "service.beta.kubernetes.io/aws-load-balancer-name: my-lb",
    "service.beta.kubernetes.io/aws-load-balancer-name: onair-prod-kr-edge",
    resource_names,
)
TAGS = Rule(
    "naming/tags",
    "costs are booked and owners found by tags; what controllers make is tagged by nobody else",
    "kind: NodeClass\nspec: {tags: {}}",
    "kind: NodeClass\nspec: {tags: {application: onair, owner: platform, environment: prod, region: kr}}",
    resource_tags,
)
CLUSTER = Rule(
    "naming/cluster",
    "names of resources are made of environment and region; a cluster by another name is not found by them",
    "clusters/production-kr",
    "clusters/prod-kr",
    cluster_names,
)
RULES = (NAME, TAGS, CLUSTER)
