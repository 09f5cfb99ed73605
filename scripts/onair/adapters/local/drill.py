"""The local platform as drills break it, look at it and heal it."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil

from onair.adapters import kube_api
from onair.adapters.load_process import LoadProcess, ViewersProcess
from onair.adapters.local import arrival, cgroups, git, network, screens
from onair.adapters.local.drill_sale import DrillSale
from onair.adapters.local.platform import PLATFORM, LocalPlatform
from onair.adapters.local.pods import exhaust_memory, kill_pod
from onair.adapters.local.storm import authority_of
from onair.core import status
from onair.core.drill.moves import Ended, Expectation, Fault, NodeOf, Pods, Ready, Scaled
from onair.core.finding import Finding, OnairError
from onair.core.load import LoadPlan
from onair.core.node import pods_cgroup
from onair.core.viewer.plan import Region, ViewersPlan

PAGE = "/?lang=en"
GEO = "x-onair-geo"
LOAD_SECONDS = 1_800.0
REQUEST_SECONDS = 10.0
KUBECTL_SECONDS = 60
WELL_SECONDS = 15.0
"""All must be well for so long: longer than Argo CD takes to see what became of an object."""


class LocalWorld:
    """Both local regions.

    Parameters
    ----------
    local
        The platform, held by :func:`onair.adapters.local.rehearsal.rehearsal`.
    shots
        Where pictures go.
    """

    def __init__(self, local: LocalPlatform, shots: Path) -> None:
        self._local, self._shots = local, shots
        self._authority = authority_of(local)
        self._halted: list[str] = []
        self._drained: list[NodeOf] = []
        self._absent: list[str] = []
        self._show = ""
        self._well_since: float | None = None
        port = local.facts.platform.spec.edge.platform_port
        self._address = f"https://localhost:{port}"
        self.commit = git.run(local.root, "describe", "--always", "--dirty")
        memory = psutil.virtual_memory().total / 2**30
        self.machine = f"{os.cpu_count()} processors, {memory:.0f} GiB, both regions on it"

    def load(self, viewers: str, rate: float) -> LoadProcess:
        """Ask for pages as viewers near ``viewers`` do, over kept and new connections by turns."""
        plan = LoadPlan(
            url=self._address + PAGE,
            rate=rate,
            duration=LOAD_SECONDS,
            connections="mixed",
            timeout=REQUEST_SECONDS,
            headers=((GEO, viewers),),
            ca_certificate=self._authority,
        )
        return LoadProcess(plan, self._local.root).start()

    def visit(self, viewers: Region, rate: float) -> ViewersProcess:
        """Let viewers near ``viewers`` come in to the show that is on sale."""
        plan = ViewersPlan.at(
            self._address,
            geo=viewers,
            show=self._show,
            rate=rate,
            duration=LOAD_SECONDS,
            timeout=REQUEST_SECONDS,
            ca_certificate=self._authority,
        )
        return ViewersProcess(plan, self._local.root).start()

    def sell(self) -> DrillSale:
        """Open a sale for them, in every region that is there.

        Raises
        ------
        OnairError
            If it cannot be opened.
        """
        sale = DrillSale(self._local, self._absent)
        self._show = sale.goods.show
        return sale

    def inject(self, fault: Fault) -> str:
        """Break it.

        Raises
        ------
        OnairError
            If there is no such thing to break.
        """
        if fault.kill or fault.outOfMemory:
            pods = fault.kill or fault.outOfMemory
            assert pods is not None  # noqa: S101 - for the type checker: one of both is there
            end = kill_pod if fault.kill else exhaust_memory
            return end(self._local.region(pods.cluster), pods.namespace, pods.service)
        if fault.cut:
            for name in fault.cut:
                self._cut(name)
            return f"{len(fault.cut)} links down"
        if fault.stop:
            return self._halt(fault.stop)
        if fault.powerOff:
            return self._power_off(fault.powerOff)
        return self._change(fault)

    def _change(self, fault: Fault) -> str:
        if fault.drain:
            self._drained.append(fault.drain)
            words = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={KUBECTL_SECONDS}s")
            region = self._local.region(fault.drain.cluster)
            region.kubectl.run("drain", fault.drain.node, *words)
            return "evicted"
        if fault.destroy:
            self._absent.append(fault.destroy.cluster)
            return arrival.destroy(self._local, self._local.region(fault.destroy.cluster))
        if fault.launch:
            return self._launch(fault.launch.cluster)
        return self._scale(fault.scale) if fault.scale else "nothing"

    def _launch(self, cluster: str) -> str:
        commit = arrival.bring_back(self._local, self._local.region(cluster))
        self._absent.remove(cluster)
        return f"made from {commit}"

    def heal(self) -> None:
        """Bring links, services, nodes and regions back; what git declares, Argo CD restores."""
        network.ensure(self._local.topology)
        for cluster in list(self._absent):
            self._launch(cluster)
        for service in self._halted:
            self._local.supervisor.resume(service)
        self._halted.clear()
        for node in self._drained:
            self._local.region(node.cluster).kubectl.run("uncordon", node.node)
        self._drained.clear()

    def look(self, expected: Expectation) -> bool | str:
        """Look once.

        Raises
        ------
        OnairError
            If what is asked does not answer.
        """
        if expected.serves:
            found = self._served(expected.serves.viewers)
            return found == expected.serves.by or found
        if expected.ready:
            count, wanted = self._ready(expected.ready), self._wanted(expected.ready)
            return count >= wanted or f"{count} of {wanted} are"
        if expected.node:
            items = self._local.region(expected.node.cluster).api.items(kube_api.NODES)
            ready = {item["metadata"]["name"]: status.ready(item) for item in items}
            return ready.get(expected.node.node) is expected.node.ready or str(ready)
        if expected.ended:
            return self._ended(expected.ended)
        return self._well()

    def shoot(self, drill: str, moment: str) -> dict[str, str]:
        """Take a picture of the show's page, as viewers of each region see it."""
        regions = [cluster.spec.region for cluster in self._local.clusters]
        certificate = self._local.paths.pki(PLATFORM) / "edge.crt"
        files = {f"{moment} {region}": self._shots / drill / f"{moment}-{region}.jpg" for region in regions}
        screens.shoot(self._address, certificate, dict(zip(regions, files.values(), strict=True)))
        return {name: str(file.relative_to(self._shots)) for name, file in files.items()}

    def _well(self) -> bool | str:
        """Tell whether all has been well for a while: a node that returns is Ready before its pods are looked after."""
        state = self._local.inspect()
        wrong = status.problems(state.services, state.regions)
        rollouts = [(region.cluster, each) for region in state.regions for each in region.rollouts]
        moving = [f"{cluster}: {each.name} is {each.phase}" for cluster, each in rollouts if each.phase != "Healthy"]
        if wrong or moving:
            self._well_since = None
            return "; ".join([*(finding.what for finding in wrong), *moving])
        now = time.monotonic()
        self._well_since = self._well_since or now
        return now - self._well_since >= WELL_SECONDS or "only just"

    def _scale(self, scale: Scaled) -> str:
        words = ("-n", scale.namespace, f"deployment/{scale.service}", f"--replicas={scale.replicas}")
        self._local.region(scale.cluster).kubectl.run("scale", *words)
        return "scaled; git says otherwise"

    def _cut(self, name: str) -> None:
        try:
            network.cut(self._local.topology.link(name))
        except KeyError as error:
            raise OnairError(Finding(rule="drill/unknown-link", what=str(error.args[0]))) from error

    def _halt(self, beginnings: Sequence[str]) -> str:
        known = [state.id for state in self._local.supervisor.states()]
        for beginning in beginnings:
            if not any(service.startswith(beginning) for service in known):
                what = f"no service of the platform begins with {beginning!r}"
                raise OnairError(Finding(rule="drill/unknown-service", what=what, mend=f"one of: {', '.join(known)}"))
        found = [service for service in known if service.startswith(tuple(beginnings))]
        self._halted += found
        for service in found:
            self._local.supervisor.halt(service)
        return ", ".join(found)

    def _power_off(self, off: NodeOf) -> str:
        cluster = self._local.facts.cluster(off.cluster)
        node = next((node for node in cluster.nodes if node.name == off.node), None)
        if node is None:
            mend = f"one of: {', '.join(node.name for node in cluster.nodes)}"
            raise OnairError(Finding(rule="drill/unknown-node", what=f"no node {off.node!r}", mend=mend))
        self._cut(f"node:{node.name}")
        halted = self._halt([f"{cluster.name}.{node.name.partition('-')[2]}."])
        cgroups.kill(pods_cgroup(cluster, node))
        return f"link down, pods killed; {halted}"

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._authority))

    def _served(self, viewers: str) -> str:
        try:
            with httpx.Client(verify=self._trust, timeout=REQUEST_SECONDS) as client:
                answer = client.get(self._address + PAGE, headers={GEO: viewers})
        except httpx.HTTPError as error:
            return repr(error)
        return answer.headers.get("x-onair-region", "") if answer.is_success else str(answer.status_code)

    def _ready(self, wanted: Ready) -> int:
        return sum(status.ready(item) and item["spec"].get("nodeName") != wanted.but for item in self._pods(wanted))

    def _wanted(self, wanted: Ready) -> int:
        """Return how many pods are waited for: what use makes of a service changes while a drill runs."""
        if wanted.pods is not None:
            return wanted.pods
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{wanted.namespace}/rollouts/{wanted.service}"
        rollout = self._local.region(wanted.cluster).api.get(path)
        if rollout is None:
            raise OnairError(Finding(rule="drill/no-rollout", what=f"there is no Rollout {wanted}", mend="say pods: N"))
        return status.rollout(rollout).desired

    def _ended(self, wanted: Ended) -> bool | str:
        ends = [each.get("lastState", {}).get("terminated") for pod in self._pods(wanted) for each in _containers(pod)]
        reasons = [end["reason"] for end in ends if end]
        return wanted.reason in reasons or f"ended: {', '.join(reasons) or 'none'}"

    def _pods(self, wanted: Pods) -> list[dict[str, Any]]:
        """Return the pods of a service that are not being deleted."""
        path = f"/api/v1/namespaces/{wanted.namespace}/pods?labelSelector=app.kubernetes.io/name={wanted.service}"
        items = self._local.region(wanted.cluster).api.items(path)
        return [item for item in items if "deletionTimestamp" not in item["metadata"]]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pod.get("status", {}).get("containerStatuses", [])
    return found
