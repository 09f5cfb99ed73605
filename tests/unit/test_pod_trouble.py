"""A pod that does not run says why; one that is starting, ready or done is left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onair.core.pod_trouble import PATIENCE_SECONDS, troubles

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
LONG, SHORT = (str((NOW - timedelta(seconds=s)).isoformat()) for s in (PATIENCE_SECONDS + 30, PATIENCE_SECONDS - 30))


def pod(start: str = LONG, leaving: str | None = None, **status: Any) -> dict[str, Any]:
    metadata = {"namespace": "shop", "name": "web-1"} | ({"deletionTimestamp": leaving} if leaving else {})
    return {"metadata": metadata, "status": {"startTime": start, **status}}


def waiting(reason: str) -> dict[str, Any]:
    return {"name": "app", "ready": False, "state": {"waiting": {"reason": reason, "message": "why"}}}


def running(since: str, *, ready: bool = False, **more: Any) -> dict[str, Any]:
    return {"name": "app", "ready": ready, "state": {"running": {"startedAt": since}}, **more}


ENDED = {"restartCount": 3, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}
FAILED = {
    "name": "app",
    "ready": False,
    "state": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no such module"}},
}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "no node is free"}


@pytest.mark.parametrize(
    "fine",
    [
        pod(
            SHORT, containerStatuses=[waiting("ContainerCreating")], initContainerStatuses=[waiting("PodInitializing")]
        ),
        pod(containerStatuses=[running(SHORT)]),
        pod(containerStatuses=[running(LONG, ready=True, **ENDED)]),
        pod(containerStatuses=[running(LONG, ready=True)], leaving=SHORT),
        pod(phase="Succeeded", containerStatuses=[{"name": "app", "ready": False, "state": {"terminated": {}}}]),
        pod(initContainerStatuses=[{"name": "a", "ready": True, "state": {"terminated": {"exitCode": 0}}}]),
        pod(),
    ],
    ids=["starting", "not yet ready", "ready again", "ending", "done", "prepared", "not seen by a kubelet"],
)
def test_a_pod_on_its_way_is_no_trouble(fine: dict[str, Any]) -> None:
    assert troubles([fine], NOW) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (pod(SHORT, containerStatuses=[waiting("ImagePullBackOff")]), "app: ImagePullBackOff why"),
        (pod(conditions=[UNSCHEDULED]), "not scheduled: no node is free"),
        (pod(containerStatuses=[waiting("ContainerCreating")]), "app: ContainerCreating for 90 s"),
        (pod(containerStatuses=[running(LONG)]), "app: runs for 90 s and is not ready"),
        (
            pod(containerStatuses=[running(LONG, **ENDED)]),
            "app: runs for 90 s and is not ready (3 restarts; ended with 1 Error)",
        ),
        (
            pod(SHORT, containerStatuses=[running(SHORT, **ENDED)]),
            "app: runs for 30 s and is not ready (3 restarts; ended with 1 Error)",
        ),
        (pod(SHORT, containerStatuses=[FAILED]), "app: ended with 1 Error no such module"),
        (pod(containerStatuses=[running(LONG, ready=True)], leaving=LONG), "should have ended 90 s ago"),
    ],
)
def test_a_pod_in_trouble_says_why(bad: dict[str, Any], reason: str) -> None:
    (found,) = troubles([bad], NOW)
    assert (found.namespace, found.pod, found.reason) == ("shop", "web-1", reason)
