"""Facts of the platform and its clusters: the models, and the addresses that follow from them.

A fact is written once, in ``clusters/platform/platform.yaml`` or ``clusters/<cluster>/facts/cluster.yaml``.
What can be computed from a fact (router, nodes, pod ranges) is computed here and written nowhere.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from onair.core.facts_edge import Edge
from onair.core.finding import Finding, OnairError
from onair.core.timezones import known_timezone

ROUTER, CONTROL_PLANE, FIRST_NODE, DNS = 1, 10, 21, 10
"""Places of hosts in the node range, and of cluster DNS in the service range."""
NODE_POD_PREFIX = 24


class Environment(StrEnum):
    """Where a cluster runs."""

    LOCAL = "local"
    PROD = "prod"


class Region(StrEnum):
    """The sales regions."""

    KR = "kr"
    US = "us"


Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Domain = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$")]
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._/-]+)?$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$")]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Metadata(_Model):
    """Name and annotations of a KRM object."""

    name: Label
    annotations: dict[str, str] = {}


class Network(_Model):
    """Ranges of a cluster; ``nodes``, ``pods``, ``services`` lie in ``cidr``, ``dns`` in ``services``."""

    cidr: IPv4Network
    nodes: IPv4Network
    pods: IPv4Network
    services: IPv4Network
    dns: IPv4Address


class ClusterSpec(_Model):
    """What is particular to one cluster."""

    environment: Environment
    region: Region
    cloud_region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    peer: Label
    zones: Annotated[list[Label], Field(min_length=2, max_length=6)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}([-_][A-Z]{2})?$")]
    timezone: Annotated[str, AfterValidator(known_timezone)]
    network: Network


class Node(NamedTuple):
    """A node of a local region, derived from the cluster's zones and ranges."""

    name: str
    zone: str
    address: IPv4Address
    pods: IPv4Network


class Cluster(_Model):
    """``clusters/<cluster>/facts/cluster.yaml``."""

    api_version: Literal["onair.dev/v1"]
    kind: Literal["Cluster"]
    metadata: Metadata
    spec: ClusterSpec

    @property
    def name(self) -> str:
        """The cluster's name, e.g. ``local-kr``."""
        return self.metadata.name

    @property
    def network(self) -> Network:
        """The cluster's ranges."""
        return self.spec.network

    @property
    def router(self) -> IPv4Address:
        """The region's router: first address of the node range."""
        return self.network.nodes[ROUTER]

    @property
    def control_plane(self) -> IPv4Address:
        """The address of etcd and the API server."""
        return self.network.nodes[CONTROL_PLANE]

    @property
    def api_service(self) -> IPv4Address:
        """The ``kubernetes`` Service, which Kubernetes puts on the first service address."""
        return self.network.services[1]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """One node a zone, each with its /24 of the pod range."""
        ranges = self.network.pods.subnets(new_prefix=NODE_POD_PREFIX)
        return tuple(
            Node(f"{self.spec.environment}-{zone}", zone, self.network.nodes[FIRST_NODE + i], pods)
            for i, (zone, pods) in enumerate(zip(self.spec.zones, ranges, strict=False))
        )


Value = TypeVar("Value")


class PerEnvironment(_Model, Generic[Value]):
    """One value for each environment."""

    local: Value
    prod: Value

    def of(self, environment: Environment) -> Value:
        """Return the value for ``environment``."""
        return self.local if environment is Environment.LOCAL else self.prod


class Hub(_Model):
    """The network namespace that stands in for the internet: git server and image registry."""

    cidr: IPv4Network
    address: IPv4Address
    git_port: Port
    registry_port: Port


class Capacity(_Model):
    """The nodes that a cluster of an environment may have: how many, and what each of them has."""

    nodes_per_zone: Annotated[int, Field(ge=1, le=100)]
    cpu: Annotated[int, Field(ge=1, le=512)]
    memory: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi)$")]
    pods: Annotated[int, Field(ge=1, le=1000)]


class Stage(_Model):
    """The fewest pods of each service that viewers meet: now, usually, and while a show is on."""

    replicas: Annotated[int, Field(ge=2, le=50)]
    usual: Annotated[int, Field(ge=2, le=50)]
    show: Annotated[int, Field(ge=2, le=50)]


class PlatformSpec(_Model):
    """What holds for every cluster."""

    domains: PerEnvironment[Domain]
    git: PerEnvironment[Url]
    registries: PerEnvironment[Host]
    pools: PerEnvironment[IPv4Network]
    tags: dict[str, str]
    naming: dict[str, str]
    hub: Hub
    edge: Edge
    capacity: PerEnvironment[Capacity]
    stage: Stage
    versions: dict[str, str]


class Platform(_Model):
    """``clusters/platform/platform.yaml``."""

    api_version: Literal["onair.dev/v1"]
    kind: Literal["Platform"]
    metadata: Metadata
    spec: PlatformSpec


class Facts(NamedTuple):
    """All facts, checked against each other."""

    platform: Platform
    clusters: dict[str, Cluster]

    def cluster(self, name: str) -> Cluster:
        """Return the cluster called ``name``.

        Raises
        ------
        OnairError
            No cluster has this name; the message lists those that exist.
        """
        if name not in self.clusters:
            known = ", ".join(sorted(self.clusters))
            raise OnairError(
                Finding(
                    rule="facts/unknown-cluster",
                    what=f"there is no cluster '{name}'",
                    why="every folder clusters/<cluster>/facts is a cluster",
                    mend=f"name one of: {known}",
                )
            )
        return self.clusters[name]

    def in_cloud(self) -> list[Cluster]:
        """Return the clusters whose clouds are built, in the order of their names."""
        return [c for _, c in sorted(self.clusters.items()) if c.spec.environment is Environment.PROD]

    def local(self) -> list[Cluster]:
        """Return the clusters that run on this machine, in the order of their names."""
        return [c for _, c in sorted(self.clusters.items()) if c.spec.environment is Environment.LOCAL]
