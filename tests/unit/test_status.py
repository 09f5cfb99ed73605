from typing import Any

import pytest

from onair.core.status import (
    ApplicationState,
    PlatformState,
    RegionState,
    RolloutState,
    ServiceState,
    application,
    generator_failed,
    given_up,
    problems,
    rollout,
)

GOOD = ApplicationState(name="web", sync="Synced", health="Healthy", revision="a" * 40)
RUNNING = ServiceState(group="local-kr", name="etcd", state="run", pid=1, seconds=9)
BROKEN = "Failed to load target state:\n kustomize build failed:   exit status 1"


def item(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": {"replicas": 2}, "status": status}


def test_an_application_is_good_when_synced_healthy_and_without_an_error() -> None:
    sync = {"status": "Synced", "revision": "b" * 40}
    assert application(item(sync=sync, health={"status": "Healthy"})).good
    assert not application(item(sync=sync, health={"status": "Progressing"})).good
    assert application(item()).sync == "Unknown", "Argo CD has not looked yet"


def test_a_commit_that_does_not_render_is_told_in_argo_cds_words_though_health_says_healthy() -> None:
    error = {"type": "ComparisonError", "message": BROKEN}
    found = application(item(sync={"status": "Unknown"}, health={"status": "Healthy"}, conditions=[error]))
    assert found.message == "Failed to load target state: kustomize build failed: exit status 1"
    assert not found.good


def test_a_generator_failed_when_its_last_look_at_git_did() -> None:
    error = {"type": "ErrorOccurred", "status": "True"}
    assert generator_failed(item(conditions=[{"type": "ParametersGenerated", "status": "False"}, error]))
    assert not generator_failed(item(conditions=[error | {"status": "False"}]))
    assert not generator_failed(item()), "Argo CD has not looked yet"


def test_a_failed_sync_counts_until_a_later_one_succeeds() -> None:
    failed = {"phase": "Failed", "message": "one or more objects failed to apply"}
    health = {"status": "Healthy"}
    assert application(item(sync={"status": "OutOfSync"}, health=health, operationState=failed)).message
    assert application(item(sync={"status": "Synced"}, health=health, operationState=failed)).good


def test_a_warning_is_no_error() -> None:
    warning = {"type": "SharedResourceWarning", "message": "x"}
    assert application(item(sync={"status": "Synced"}, health={"status": "Healthy"}, conditions=[warning])).good


@pytest.mark.parametrize(
    ("status", "active", "preview", "weight"),
    [
        ({"currentPodHash": "new", "stableRS": "old", "blueGreen": {"activeSelector": "old"}}, "old", "new", 0),
        ({"currentPodHash": "new", "stableRS": "old", "blueGreen": {"activeSelector": "new"}}, "new", "", 100),
        (
            {"currentPodHash": "new", "stableRS": "old", "canary": {"weights": {"canary": {"weight": 20}}}},
            "old",
            "new",
            20,
        ),
    ],
    ids=["waiting", "switched", "canary"],
)
def test_a_rollout_tells_colours_and_weight(status: dict[str, Any], active: str, preview: str, weight: int) -> None:
    found = rollout(item(phase="Paused", **status))
    assert (found.active, found.preview, found.weight) == (active, preview, weight)
    assert found.desired == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reachable": False}, "local-kr its API server does not answer"),
        ({"links": {"edge:local-kr": False}}, "local-kr: link edge:local-kr is cut"),
        ({"nodes": {"local-kr-a": False}}, "local-kr: node local-kr-a is not Ready"),
        ({"edge_healthy": False}, "the edge sends no viewer here"),
        ({"applications": [GOOD.model_copy(update={"sync": "OutOfSync"})]}, "Application web is OutOfSync, Healthy"),
        (
            {"rollouts": [RolloutState(name="web", phase="Degraded", active="a", weight=0, ready=0, desired=2)]},
            "Rollout web is Degraded",
        ),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_each_thing_that_is_wrong_with_a_region_is_told(change: dict[str, Any], told: str) -> None:
    whole = RegionState(cluster="local-kr", reachable=True, nodes={"local-kr-a": True}, applications=[GOOD])
    assert whole.good
    region = whole.model_copy(update=change)
    assert not region.good
    (found,) = problems([RUNNING], [region])
    assert told in found.what


def test_a_region_without_applications_is_not_good_yet() -> None:
    assert not RegionState(cluster="local-kr", reachable=True).good


def test_a_stopped_service_is_told_with_its_log() -> None:
    (found,) = problems([RUNNING.model_copy(update={"state": "down"})], [])
    assert found.what == "service local-kr.etcd is down"
    assert found.mend.endswith("onair status --log local-kr.etcd")


def test_state_survives_json() -> None:
    state = PlatformState(services=[RUNNING], regions=[RegionState(cluster="x", reachable=True, applications=[GOOD])])
    assert PlatformState.model_validate_json(state.model_dump_json()) == state


@pytest.mark.parametrize(
    ("phase", "message", "sync", "expected"),
    [
        ("Degraded", "RolloutAborted: Rollout aborted update to revision 2", "Synced", {"local-kr/web"}),
        ("Degraded", "RolloutAborted: Rollout aborted update to revision 2", "OutOfSync", set()),
        ("Degraded", "InvalidSpec: no such workload", "Synced", set()),
        ("Progressing", "active service cutover pending", "Synced", set()),
    ],
    ids=["given up", "git has another", "broken", "on its way"],
)
def test_a_version_is_given_up_when_git_asks_for_what_its_rollout_aborted(
    phase: str, message: str, sync: str, expected: set[str]
) -> None:
    web = RolloutState(name="web", phase=phase, message=message, active="a", weight=0, ready=2, desired=2)
    bad = GOOD.model_copy(update={"sync": sync, "health": phase})
    state = RegionState(cluster="local-kr", reachable=True, applications=[bad], rollouts=[web])
    assert given_up([state]) == expected
    mends = [finding.mend for finding in problems([], [state]) if "Rollout web" in finding.what]
    assert any("onair rollback web --on local-kr" in mend for mend in mends) == message.startswith("RolloutAborted")
