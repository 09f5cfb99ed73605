"""Small estates and histories for the rules about a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from msgspec import convert

from onair.core.change.promotion import Delivery, Held
from onair.core.gate.model import Estate, Object
from onair.core.leaf import Leaf

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLD, NEW, OTHER = (f"sha256:{letter * 64}" for letter in "abc")
KR, US = Leaf("prod-kr", "web"), Leaf("prod-us", "web")
PRODS = ("prod-kr", "prod-us")
DELIVERY = convert(
    {
        "apiVersion": "onair.dev/v1",
        "kind": "Delivery",
        "metadata": {"name": "delivery"},
        "spec": {"promotion": {"prod-us": {"after": "prod-kr", "soakHours": 24}}},
    },
    Delivery,
)


@dataclass(frozen=True)
class App:
    """An Application, as `onair.core.change.sync.Application` wants it."""

    name: str
    cluster: str = "prod-kr"
    area: str = "apps"
    prune: bool = True
    body: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.body:
            self.body["spec"] = {"syncPolicy": {"automated": {"prune": self.prune, "selfHeal": True}}}

    @property
    def leaf(self) -> str:
        return f"clusters/{self.cluster}/{self.area}/{self.name}"


def objects(text: str, cluster: str = "prod-kr", application: str = "web") -> list[Object]:
    """Read manifests as one Application's rendered objects."""
    leaf = f"clusters/{cluster}/apps/{application}"
    return [Object(cluster, application, leaf, body) for body in yaml.safe_load_all(text) if body]


def estate(found: list[Object]) -> Estate:
    return Estate(found, clusters={"prod-kr": {"environment": "prod"}, "local-kr": {"environment": "local"}})


def leaf_text(digest: str, comment: str = "") -> str:
    return f'kind: Kustomization{comment}\nimages:\n- {{name: onair/web, digest: "{digest}"}}\n'


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def past(*entries: tuple[float, str | None]) -> list[Held]:
    """Build a history of (hours ago, digest), oldest first."""
    return [Held(ago(hours), digest) for hours, digest in entries]
