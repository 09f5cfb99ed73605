"""What runs and what is wrong, out of the objects that the regions report: a pure reading of Kubernetes JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from onair.core.finding import Finding
from onair.core.pod_trouble import PodTrouble

Object = Mapping[str, Any]
FRESH_SECONDS = 5
"""A service that is up for less than this was just (re)started."""


class ServiceState(BaseModel):
    """A supervised process."""

    group: str
    name: str
    state: str
    pid: int
    seconds: float


class ApplicationState(BaseModel):
    """An Argo CD Application; ``message`` is Argo CD's own word on what is wrong."""

    name: str
    sync: str
    health: str
    revision: str
    message: str = ""

    @property
    def good(self) -> bool:
        """Synced and Healthy, with no error condition."""
        return self.sync == "Synced" and self.health == "Healthy" and not self.message


class RolloutState(BaseModel):
    """An Argo Rollout: which colour serves, and whether another is coming."""

    name: str
    phase: str
    active: str
    preview: str = ""
    weight: int
    """Share of traffic on the new revision, percent."""
    ready: int
    desired: int
    message: str = ""

    @property
    def given_up(self) -> bool:
        """Whether its version was aborted: no waiting brings it up, a commit does."""
        return self.phase == "Degraded" and self.message.startswith("RolloutAborted")


class RegionState(BaseModel):
    """All of one region; ``reachable`` is False when its API server did not answer."""

    cluster: str
    reachable: bool
    nodes: dict[str, bool] = {}
    applications: list[ApplicationState] = []
    rollouts: list[RolloutState] = []
    troubles: list[PodTrouble] = []
    links: dict[str, bool] = {}
    edge_healthy: bool | None = None
    """Whether the edge sends viewers to the region; None when the edge does not answer."""

    @property
    def good(self) -> bool:
        """Everything reachable, Ready, Synced and Healthy."""
        return not problems([], [self]) and bool(self.applications)


class PlatformState(BaseModel):
    """The local platform at one moment."""

    services: list[ServiceState] = []
    regions: list[RegionState] = []
    addresses: dict[str, str] = {}


def application(item: Object) -> ApplicationState:
    """Read an Application; error conditions come before the last operation's message."""
    status = item.get("status", {})
    sync, operation = status.get("sync", {}), status.get("operationState", {})
    wrong = [c["message"] for c in status.get("conditions", []) if c["type"].endswith("Error")]
    if not wrong and operation.get("phase") in ("Error", "Failed") and sync.get("status") != "Synced":
        wrong = [operation.get("message", "")]
    return ApplicationState(
        name=item["metadata"]["name"],
        sync=sync.get("status", "Unknown"),
        health=status.get("health", {}).get("status", "Unknown"),
        revision=sync.get("revision", "")[:40],
        message=" ".join("; ".join(wrong).split()),
    )


def ready(item: Object) -> bool:
    """Tell whether a node or a pod is Ready."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def generator_failed(item: dict[str, Any]) -> bool:
    """Tell whether an ApplicationSet could not make its Applications when it looked at git last."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "ErrorOccurred" and each["status"] == "True" for each in conditions)


def rollout(item: Object) -> RolloutState:
    """Read a Rollout; blue/green weighs 100 once the new colour is the active one."""
    status = item.get("status", {})
    current, stable = status.get("currentPodHash", ""), status.get("stableRS", "")
    blue_green = status.get("blueGreen", {})
    active = blue_green.get("activeSelector", stable)
    canary = status.get("canary", {}).get("weights", {}).get("canary", {}).get("weight")
    weight = canary if canary is not None else (100 if active == current else 0)
    return RolloutState(
        name=item["metadata"]["name"],
        phase=status.get("phase", "Unknown"),
        active=active,
        preview=current if current != active else "",
        weight=weight,
        ready=status.get("readyReplicas", 0),
        desired=item.get("spec", {}).get("replicas", 1),
        message=" ".join(str(status.get("message", "")).split()),
    )


def problems(services: Iterable[ServiceState], regions: Iterable[RegionState]) -> list[Finding]:
    """Return everything that keeps the platform from being whole."""
    found = [
        _wrong(
            f"service {s.group}.{s.name}",
            f"is {s.state}",
            f"see its log: onair status --log {s.group}.{s.name}",
        )
        for s in services
        if s.state != "run"
    ]
    for region in regions:
        found += _region_problems(region)
    return found


def _region_problems(region: RegionState) -> list[Finding]:
    name = region.cluster
    found = [
        _wrong(f"{name}: link {link}", "is cut", "make up heals it") for link, up in region.links.items() if not up
    ]
    if not region.reachable:
        return [*found, _wrong(name, "its API server does not answer", "make up repairs it")]
    found += [_wrong(f"{name}: node {node}", "is not Ready", "") for node, ready in region.nodes.items() if not ready]
    if region.edge_healthy is False:
        found.append(_wrong(name, "the edge sends no viewer here", "its gateway fails the health check"))
    for app in region.applications:
        if not app.good:
            state = f"is {app.sync}, {app.health}" + (f": {app.message}" if app.message else "")
            found.append(_wrong(f"{name}: Application {app.name}", state, ""))
    for each in region.rollouts:
        if each.phase not in ("Healthy", "Progressing", "Paused"):
            mend = back(each.name, name) if each.given_up else ""
            found.append(_wrong(f"{name}: Rollout {each.name}", f"is {each.phase}: {each.message}", mend))
    return found + [_wrong(f"{name}: pod {t.namespace}/{t.pod}", t.reason, "") for t in region.troubles]


def back(service: str, cluster: str) -> str:
    """Return what mends a version that was given up."""
    bad_too = "with --image where the one before was bad too"
    return f"onair rollback {service} --on {cluster} ({bad_too}), or release and push a mended version"


def given_up(regions: Iterable[RegionState]) -> set[str]:
    """Return the ``cluster/Application`` of versions that git asks for and their Rollouts have given up."""
    return {
        f"{region.cluster}/{app.name}"
        for region in regions
        for app in region.applications
        if app.sync == "Synced" and any(each.name == app.name and each.given_up for each in region.rollouts)
    }


def _wrong(who: str, what: str, mend: str) -> Finding:
    return Finding(rule="platform/status", what=f"{who} {what}", mend=mend)
