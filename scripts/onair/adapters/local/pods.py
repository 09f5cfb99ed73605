"""A pod's sudden end."""

from __future__ import annotations

import random
from typing import Any

from onair.adapters.local.region import Region


def kill_pod(region: Region, namespace: str, service: str, draw: random.Random | None = None) -> str:
    """Kill a pod that runs: its process without a word, then the pod, so that another takes its place.

    Parameters
    ----------
    draw
        Chooses which; the first by name without.

    Returns
    -------
    str
        Its name, or that none runs.
    """
    path = f"/api/v1/namespaces/{namespace}/pods"
    pods = region.api.items(f"{path}?labelSelector=app.kubernetes.io/name={service}")
    running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and _containers(pod)]
    if not running:
        return "no pod runs"
    pod = draw.choice(running) if draw else min(running, key=lambda each: str(each["metadata"]["name"]))
    for container in _containers(pod):
        region.kill_container(pod["spec"]["nodeName"], container)
    name = pod["metadata"]["name"]
    region.api.delete(f"{path}/{name}", pod["metadata"]["uid"], grace_seconds=1)
    return str(name)


_EAT = """
import os, time
with open("/proc/1/oom_score_adj", "w") as first: first.write("1000")
while True:
    if os.fork() == 0:
        kept = b"x" * (16 << 20)
        time.sleep(60)
        os._exit(0)
    time.sleep(0.05)
"""
"""Takes memory until there is none. The kernel ends who has most of it: each of these has less than the service."""


def exhaust_memory(region: Region, namespace: str, service: str) -> str:
    """Take more memory in a pod's container than it may have, so that the kernel ends its first process.

    Returns
    -------
    str
        The pod's name, or that none runs.
    """
    items = region.api.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/name={service}")
    running = [pod for pod in items if "deletionTimestamp" not in pod["metadata"] and _containers(pod)]
    if not running:
        return "no pod runs"
    name = min(str(pod["metadata"]["name"]) for pod in running)
    done = region.kubectl.run("exec", f"--namespace={namespace}", name, "--", "python3", "-c", _EAT, check=False)
    return f"{name}: what took its memory ended with {done.returncode}"


def _containers(pod: dict[str, Any]) -> list[str]:
    """Return the ids of a pod's containers that run, as containerd knows them."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return [each["containerID"].removeprefix("containerd://") for each in statuses if "running" in each["state"]]
