"""What is killed comes back by itself, and `up` on a running platform touches nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest
from e2e.shop import Object, Shop

from onair.adapters.local.supervisor import State

CLUSTER = "local-kr"
BACK_SECONDS = 30
READY_SECONDS = 180
"""For a control plane or a kubelet on a machine of half the usual speed; how long it took is told."""
RATE = 10.0
REPEAT_SECONDS = 120
"""Generous; the figure (20 s) belongs to benchmarks/."""


def containers(shop: Shop, namespaces: tuple[str, ...]) -> dict[str, list[tuple[str, int]]]:
    """Return each pod's containers with the number of their restarts, by pod UID."""
    found = {}
    for namespace in namespaces:
        items: list[Object] = shop.read(CLUSTER, f"/api/v1/namespaces/{namespace}/pods")["items"]
        for item in items:
            if item["status"]["phase"] == "Running" and "deletionTimestamp" not in item["metadata"]:
                states = item["status"].get("containerStatuses", [])
                found[item["metadata"]["uid"]] = [(x.get("containerID", ""), x["restartCount"]) for x in states]
    return found


def kill(shop: Shop, service: str) -> State:
    """Kill a service's process as the kernel would, and wait for its successor."""
    old = shop.state(service)
    assert old.state == "run", old
    os.kill(old.pid, signal.SIGKILL)

    def back() -> bool | str:
        new = shop.state(service)
        return (new.state == "run" and new.pid not in (0, old.pid)) or str(new)

    took = shop.wait(f"{service} runs again", BACK_SECONDS, back, interval=0.05)
    shop.say(f"{service}: killed, a new process after {took:.2f} s")
    return shop.state(service)


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver", "kr-a.kubelet", "kr-a.containerd"])
def test_a_killed_component_comes_back_and_pods_live_on(shop: Shop, name: str) -> None:
    service = f"{CLUSTER}.{name}"
    before = containers(shop, ("shop", "data", "envoy-gateway-system"))
    began = time.monotonic()
    with shop.load("/", CLUSTER, RATE, 2 * READY_SECONDS) as load:
        time.sleep(3)  # some load before
        killed = time.monotonic()
        new = kill(shop, service)
        api = shop.api(CLUSTER)
        shop.wait(f"{CLUSTER}: API server ready", READY_SECONDS, lambda: api.get("/readyz").status_code == 200)
        shop.say(f"{service}: API server ready {time.monotonic() - killed:.1f} s after the kill")

        def nodes_ready() -> bool | str:
            found = shop.read(CLUSTER, "/api/v1/nodes")["items"]
            ready = {c["status"] for x in found for c in x["status"]["conditions"] if c["type"] == "Ready"}
            return ready == {"True"} or f"Ready is {ready}"

        shop.wait(f"{CLUSTER}: nodes Ready", READY_SECONDS, nodes_ready)
        if "kube" in name or "containerd" in name:
            probe_kubelet(shop)
        shop.wait(
            f"{CLUSTER}: pods as before",
            READY_SECONDS,
            lambda: containers(shop, ("shop", "data")).keys() <= before.keys(),
        )
        time.sleep(3)  # and after
    shop.tell(f"while {service} was killed", load.result)
    after = containers(shop, ("shop", "data", "envoy-gateway-system"))
    assert after == before, f"containers changed: {set(map(str, after.items())) ^ set(map(str, before.items()))}"
    assert load.result.failed == 0, f"{load.result.failed} requests failed although no pod was touched"
    assert shop.state(service).pid == new.pid, f"{service} fell again within {time.monotonic() - began:.0f} s"


def probe_kubelet(shop: Shop) -> None:
    """Check that the node's kubelet does its work again: a command runs in one of its pods."""
    node = f"{CLUSTER.partition('-')[0]}-kr-a"
    pod = next(x["metadata"]["name"] for x in shop.pods(CLUSTER, "web") if x["spec"]["nodeName"] == node)

    def runs() -> bool | str:
        done = shop.kubectl(CLUSTER).run("exec", "-n", "shop", pod, "--", "true", check=False)
        return done.returncode == 0 or done.stderr

    took = shop.wait(f"a command runs in {pod}", READY_SECONDS, runs, interval=0.5)
    shop.say(f"{node}: a command ran in a pod after {took:.1f} s more")


def test_a_database_goes_on_in_a_new_pod(shop: Shop) -> None:
    """A pod that moves mounts its volume anew, and kubelet may change the modes of what is in it."""
    old = shop.pods(CLUSTER, "postgres", "data")[0]["metadata"]["uid"]
    shop.kubectl(CLUSTER).run("delete", "pod", "-n", "data", "postgres-0", "--wait=false")

    def ready() -> bool | str:
        found = [x for x in shop.pods(CLUSTER, "postgres", "data") if x["metadata"]["uid"] != old]
        states = [c for x in found for c in x["status"].get("containerStatuses", [])]
        return (bool(states) and all(c["ready"] for c in states)) or str(states)

    took = shop.wait(f"{CLUSTER}: postgres is ready in a new pod", 90, ready)
    shop.say(f"{CLUSTER}: postgres ready in a new pod {took:.1f} s after the old one was deleted")
    shop.settled()


def test_up_on_a_running_platform_restarts_nothing(shop: Shop, disposable: None) -> None:
    shop.settled()
    processes = {state.id: state.pid for state in shop.local.supervisor.states()}
    pods = {cluster: {x["metadata"]["uid"] for x in all_pods(shop, cluster)} for cluster in shop.clusters}
    commit = shop.git("ls-remote", "regions", "main")
    done = shop.onair("up")
    assert done.code == 0, done.output
    assert done.seconds < REPEAT_SECONDS, f"a repeated up took {done.seconds:.0f} s"
    assert {state.id: state.pid for state in shop.local.supervisor.states()} == processes, "a process was restarted"
    for cluster in shop.clusters:
        assert {x["metadata"]["uid"] for x in all_pods(shop, cluster)} == pods[cluster], "a pod was replaced"
    assert shop.git("ls-remote", "regions", "main") == commit, "up moved what the regions serve"


def all_pods(shop: Shop, cluster: str) -> list[Object]:
    """Return the pods of a region that run for good."""
    items: list[Object] = shop.read(cluster, "/api/v1/pods?fieldSelector=status.phase=Running")["items"]
    return [item for item in items if "deletionTimestamp" not in item["metadata"]]
