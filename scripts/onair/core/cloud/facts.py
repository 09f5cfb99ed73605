"""``clusters/platform/cloud.yaml``: what the clouds are made of, as Terraform reads it too."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

PEERS = ("edge", "lb", "endpoints", "bastion", "internet")
"""Who may stand in a flow besides the tiers."""
Positive = Annotated[int, Field(gt=0, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Part(_Model):
    """A tier's range: one of equal parts of one of the cluster's ranges."""

    of: Literal["nodes", "pods"]
    parts: Positive
    part: Annotated[int, Field(ge=0, strict=True)]

    @model_validator(mode="after")
    def _fits(self) -> Part:
        if self.parts & (self.parts - 1):
            message = f"{self.parts} is no power of two: a range has no such parts"
            raise ValueError(message)
        if self.part >= self.parts:
            message = f"part {self.part} of {self.parts} does not exist: they count from 0"
            raise ValueError(message)
        return self

    def range(self, whole: IPv4Network) -> IPv4Network:
        """Return the part of ``whole``; raises ValueError where it is too small."""
        return list(whole.subnets(prefixlen_diff=self.parts.bit_length() - 1))[self.part]


class Flow(_Model):
    """A line of the flow matrix; ``from`` is a word of Python."""

    source: str = Field(alias="from")
    to: str
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] | str


RIGHT_FIELDS = ("account", "cloud_region", "peer", "prefix", "shared")
"""What may stand in braces in a right; the last two begin the names of a region's resources and of what exists once."""


class Right(_Model):
    """Who alone may do what to what, in every region.

    Attributes
    ----------
    action, resource
        As policies write them; the resource has no ``*``.
    roles
        Names of those who may.
    """

    action: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+:[A-Za-z]+$")]
    resource: Annotated[str, StringConstraints(pattern=r"^arn:aws:[^*]+$")]
    roles: list[str]
    why: str

    @model_validator(mode="after")
    def _fields_are_known(self) -> Right:
        for text in (self.resource, *self.roles):
            unknown = set(re.findall(r"\{(.*?)\}", text)) - set(RIGHT_FIELDS)
            if unknown:
                message = f"{text}: no {', '.join(sorted(unknown))} is known; known: {', '.join(RIGHT_FIELDS)}"
                raise ValueError(message)
        return self

    def of(self, **fields: str) -> Right:
        """Return it with :data:`RIGHT_FIELDS` filled in."""
        filled = {"resource": self.resource.format(**fields), "roles": [each.format(**fields) for each in self.roles]}
        return self.model_copy(update=filled)


class Database(_Model):
    """Aurora's size; capacities in Aurora capacity units (2 GiB of memory each)."""

    min_capacity: float
    max_capacity: float
    readers: Positive


class CacheSize(_Model):
    """ElastiCache's size."""

    node_type: Annotated[str, StringConstraints(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$")]
    replicas: Positive


class Profile(_Model):
    """Sizes and locks; days of retention, dollars a month."""

    nat_per_zone: bool
    endpoint_zones: Positive
    locks: bool
    log_days: Positive
    audit_days: Positive
    backup_days: Positive
    database: Database
    cache: CacheSize
    budget_usd: Positive


class Archive(_Model):
    """The trail's archive."""

    hot_days: Positive


class CloudSpec(_Model):
    """What holds for every cluster in the cloud."""

    profile: Literal["lab", "prod"]
    home: str
    global_region: str
    engines: dict[Literal["aurora-postgresql", "valkey"], str]
    addons: list[str]
    blocked_countries: list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]]
    alerts: dict[Literal["mailbox"], str]
    reserved: dict[str, IPv4Network]
    subnets: dict[str, Part]
    flows: list[Flow]
    rights: list[Right]
    profiles: dict[Literal["lab", "prod"], Profile]
    archive: Archive

    @model_validator(mode="after")
    def _peers_are_known(self) -> CloudSpec:
        known = (*self.subnets, *PEERS)
        for flow in self.flows:
            for peer in (flow.source, flow.to):
                if peer not in known:
                    message = f"flow {flow.source} to {flow.to}: there is no peer {peer!r}; known: {', '.join(known)}"
                    raise ValueError(message)
        return self


class Cloud(_Model):
    """``clusters/platform/cloud.yaml``."""

    api_version: Literal["onair.dev/v1"]
    kind: Literal["Cloud"]
    metadata: dict[str, str]
    spec: CloudSpec
