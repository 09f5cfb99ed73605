"""Why a pod does not run as it should, out of its status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

Object = Mapping[str, Any]
PATIENCE_SECONDS = 60
"""What starts, becomes ready or ends within this is no trouble: a pull and a start take up to 40 s on two cores."""


class PodTrouble(BaseModel):
    """A container that does not run as it should."""

    namespace: str
    pod: str
    reason: str


def troubles(pods: Iterable[Object], now: datetime) -> list[PodTrouble]:
    """Return the containers that cannot start, are long in starting or unready, or do not end.

    Parameters
    ----------
    pods
        As the API server lists them.
    now
        With a time zone.
    """
    return [
        PodTrouble(namespace=pod["metadata"]["namespace"], pod=pod["metadata"]["name"], reason=reason)
        for pod in pods
        for reason in _reasons(pod, now)
    ]


def _reasons(pod: Object, now: datetime) -> Iterator[str]:
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"not scheduled: {condition.get('message', '')}"
    leaving = _seconds(pod["metadata"].get("deletionTimestamp"), now)  # the end of its grace
    if leaving > PATIENCE_SECONDS:
        yield f"should have ended {leaving:.0f} s ago"
    if status.get("phase") in ("Succeeded", "Failed"):
        return
    since = _seconds(status.get("startTime"), now)
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        if reason := _reason(container, since, now):
            yield f"{container['name']}: {reason}{_last_end(container)}"


def _reason(container: Object, since: float, now: datetime) -> str:
    state = container.get("state", {})
    if waiting := state.get("waiting"):
        if waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            return f"{waiting.get('reason')} {waiting.get('message', '')}".strip()
        return f"{waiting['reason']} for {since:.0f} s" if since > PATIENCE_SECONDS else ""
    if ended := _failure(state):
        return f"ended with {ended}"
    if "running" not in state or container["ready"]:
        return ""
    running = _seconds(state["running"].get("startedAt"), now)
    # One that crashes at its start is up for a moment at each try, and looks like one that starts.
    patience = 0 if _failure(container.get("lastState", {})) else PATIENCE_SECONDS
    return f"runs for {running:.0f} s and is not ready" if running >= patience else ""


def _last_end(container: Object) -> str:
    ended = _failure(container.get("lastState", {}))
    return f" ({container.get('restartCount', 0)} restarts; ended with {ended})" if ended else ""


def _failure(state: Object) -> str:
    """Return exit code, reason and last words of a container that failed; nothing of one that did not."""
    ended = state.get("terminated") or {}
    words = (ended.get("exitCode"), ended.get("reason"), ended.get("message"))
    return " ".join(str(word) for word in words if word) if ended.get("exitCode") else ""


def _seconds(moment: str | None, now: datetime) -> float:
    return (now - datetime.fromisoformat(moment)).total_seconds() if moment else 0
