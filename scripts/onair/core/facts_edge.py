"""Facts of the edge: the model of ``spec.edge`` in ``clusters/platform/platform.yaml``.

The local edge stands in for CloudFront, Global Accelerator and a region's Network Load Balancer (NLB). Each
value lies in the range that the stood-in service documents, so that a drill here cannot be quicker than the
cloud; Terraform reads the same values.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
NodePort = Annotated[int, Field(ge=30000, le=32767, strict=True)]
Seconds = Annotated[int, Field(ge=1, le=3600, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class HealthCheck(_Model):
    """NLB target group health check (HTTPS); times in seconds, thresholds in consecutive results.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    """

    path: Annotated[str, Field(pattern=r"^/\S*$", max_length=1024)]
    interval_seconds: Annotated[int, Field(ge=5, le=300, strict=True)]
    timeout_seconds: Annotated[int, Field(ge=2, le=120, strict=True)]
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10, strict=True)]
    healthy_threshold: Annotated[int, Field(ge=2, le=10, strict=True)]

    @model_validator(mode="after")
    def _timeout_within_interval(self) -> Self:
        if self.timeout_seconds > self.interval_seconds:
            raise ValueError(f"timeoutSeconds {self.timeout_seconds} is longer than intervalSeconds")
        return self

    @property
    def detection_seconds(self) -> int:
        """Longest time from a loss to "unhealthy": each counted check may wait an interval and a timeout."""
        return self.unhealthy_threshold * (self.interval_seconds + self.timeout_seconds)

    @property
    def return_seconds(self) -> int:
        """Longest time from a heal to "healthy": a check under way may still have to time out first."""
        return self.timeout_seconds + self.healthy_threshold * (self.interval_seconds + self.timeout_seconds)


class Origin(_Model):
    """How CloudFront treats an origin; times in seconds.

    Source: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Origin.html, API_CustomOriginConfig
    """

    connection_timeout_seconds: Annotated[int, Field(ge=1, le=10, strict=True)]
    connection_attempts: Annotated[int, Field(ge=1, le=3, strict=True)]
    response_timeout_seconds: Annotated[int, Field(ge=1, le=120, strict=True)]
    keepalive_timeout_seconds: Annotated[int, Field(ge=1, le=120, strict=True)]
    idle_stream_timeout_seconds: Seconds


FailoverStatus = Literal[400, 403, 404, 416, 429, 500, 502, 503, 504]


class Failover(_Model):
    """When a request goes to the other region at once (CloudFront origin failover).

    Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
    """

    methods: Annotated[list[Literal["GET", "HEAD", "OPTIONS"]], Field(min_length=1)]
    status_codes: Annotated[list[FailoverStatus], Field(min_length=1)]
    unsent_requests: bool


class PassiveCheck(_Model):
    """NLB passive health checks: AWS runs them always and publishes no figures, so these are ours."""

    consecutive_connect_failures: Annotated[int, Field(ge=1, le=100, strict=True)]
    ejection_seconds: Seconds


class Edge(_Model):
    """``spec.edge``.

    Attributes
    ----------
    address
        Where the edge listens: loopback, always.
    platform_port
        The one address of the platform.
    region_ports
        One address for each cluster that runs here. The first is where a viewer of unknown geography goes.
    gateway_node_port
        HTTPS NodePort of the gateway on every node of a region.
    rtmp_port
        Where publishers send their streams by RTMP.
    rtmp_node_port
        NodePort of the origin's RTMP on every node of a region.
    """

    address: Annotated[str, Field(pattern=r"^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$")]
    platform_port: Port
    region_ports: Annotated[dict[Label, Port], Field(min_length=1)]
    gateway_node_port: NodePort
    rtmp_port: Port
    rtmp_node_port: NodePort
    drain_seconds: Seconds
    health_check: HealthCheck
    origin: Origin
    failover: Failover
    passive_check: PassiveCheck

    @model_validator(mode="after")
    def _ports_apart(self) -> Self:
        if len(set(self.ports)) != len(self.ports):
            raise ValueError(f"platformPort, regionPorts and rtmpPort share a port: {self.ports}")
        return self

    @property
    def ports(self) -> list[int]:
        """The loopback ports that the edge opens."""
        return [self.platform_port, *self.region_ports.values(), self.rtmp_port]
