"""The running platform as tests see it: the API of each region, the shop through the edge, load and releases."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import httpx
import yaml
from e2e.clone import Clone

from onair.adapters.kubectl import Kubectl, wait
from onair.adapters.load_process import LoadProcess
from onair.adapters.local.platform import PLATFORM, LocalPlatform
from onair.adapters.local.supervisor import State
from onair.core import status
from onair.core.finding import OnairError
from onair.core.load import OVERLOAD, LoadPlan
from onair.core.load_result import LoadResult
from onair.core.pki import CLUSTER_CA

Object = dict[str, Any]
ARGO = "/apis/argoproj.io/v1alpha1/namespaces"
VIEWERS = 100
"""Kept connections of a load: enough for answers of several seconds, or requests would wait in the client."""
FOLLOW_SECONDS = 300
"""Longest wait for a region to follow a commit: generous, the figures belong to benchmarks/."""


@dataclass(frozen=True)
class Followed:
    """Seconds from a push until an Application showed the commit, and until it was Synced to it."""

    refreshed: float
    synced: float


@dataclass(frozen=True)
class Shop(Clone):
    """A clone whose platform runs."""

    local: LocalPlatform

    @cached_property
    def clusters(self) -> list[str]:
        """The names of the local clusters."""
        return [cluster.name for cluster in self.local.clusters]

    def kubectl(self, cluster: str) -> Kubectl:
        """Return kubectl as the administrator of a region."""
        return self.local.region(cluster).kubectl

    def api(self, cluster: str, user: str | None = "admin") -> httpx.Client:
        """Return a client of a region's API server with the certificate of ``user``, or with none."""
        if (cluster, user) not in self._clients:
            kubeconfig = yaml.safe_load(self.local.paths.kubeconfig(cluster).read_text(encoding="utf-8"))
            server = kubeconfig["clusters"][0]["cluster"]
            context = ssl.create_default_context(cafile=server["certificate-authority"])
            if user:
                keys = self.local.paths.pki(cluster)
                context.load_cert_chain(keys / f"{user}.crt", keys / f"{user}.key")
            self._clients[cluster, user] = httpx.Client(base_url=server["server"], verify=context, timeout=10)
        return self._clients[cluster, user]

    @cached_property
    def _clients(self) -> dict[tuple[str, str | None], httpx.Client]:
        return {}

    def read(self, cluster: str, path: str) -> Object:
        """Return an object or a list from a region's API server."""
        found: Object = self.api(cluster).get(path).raise_for_status().json()
        return found

    def pods(self, cluster: str, service: str, namespace: str = "shop") -> list[Object]:
        """Return the pods of a service that are not being deleted."""
        selector = f"labelSelector=app.kubernetes.io/name={service}"
        items: list[Object] = self.read(cluster, f"/api/v1/namespaces/{namespace}/pods?{selector}")["items"]
        return [item for item in items if "deletionTimestamp" not in item["metadata"]]

    def service(self, cluster: str, name: str) -> Object:
        """Return a Service of the shop."""
        return self.read(cluster, f"/api/v1/namespaces/shop/services/{name}")

    def application(self, cluster: str, name: str) -> status.ApplicationState:
        """Return an Application as ``onair status`` reads it."""
        return status.application(self.read(cluster, f"{ARGO}/argocd/applications/{name}"))

    def rollout(self, cluster: str, name: str) -> status.RolloutState:
        """Return a Rollout as ``onair status`` reads it."""
        return status.rollout(self.read(cluster, f"{ARGO}/shop/rollouts/{name}"))

    def wait(self, what: str, seconds: float, done: Callable[[], bool | str], interval: float = 0.2) -> float:
        """Wait until ``done`` is True, tolerating an API server that is away; returns the seconds it took."""

        def look() -> bool | str:
            try:
                return done()
            except (httpx.HTTPError, OnairError) as error:
                return repr(error)

        began = time.monotonic()
        wait(what, seconds, look, interval)
        return time.monotonic() - began

    def each(self, what: str, seconds: float, done: Callable[[str], bool | str]) -> None:
        """Wait until ``done`` is True of every cluster."""
        for cluster in self.clusters:
            self.wait(f"{cluster}: {what}", seconds, partial(done, cluster))

    def followed(self, name: str, revision: str, pushed: float, clusters: list[str]) -> dict[str, Followed]:
        """Wait until the Application ``name`` of each cluster is Synced to ``revision``."""
        moments: dict[str, list[float]] = {cluster: [] for cluster in clusters}

        def look() -> bool | str:
            for cluster, seen in moments.items():
                app = self.application(cluster, name)
                stages = [app.revision == revision, app.sync == "Synced"]
                while len(seen) < 2 and all(stages[: len(seen) + 1]):
                    seen.append(time.monotonic() - pushed)
            late = [cluster for cluster, seen in moments.items() if len(seen) < 2]
            return not late or f"{late[0]}: {self.application(late[0], name)}"

        self.wait(f"{name} of {', '.join(clusters)} follows {revision[:7]}", FOLLOW_SECONDS, look)
        found = {cluster: Followed(*seen) for cluster, seen in moments.items()}
        for cluster, one in found.items():
            self.say(f"{cluster}: {name} refreshed {one.refreshed:.1f} s and Synced {one.synced:.1f} s after the push")
        return found

    def settled(self, seconds: float = FOLLOW_SECONDS) -> None:
        """Wait until everything is as it should be: no finding in ``onair status``."""

        def look() -> bool | str:
            state = self.local.inspect()
            found = status.problems(state.services, state.regions)
            return not found or "; ".join(finding.what for finding in found)

        self.wait("all is well", seconds, look, interval=1)

    def state(self, service: str) -> State:
        """Return what the supervisor says of a service such as ``local-kr.etcd``."""
        return next(state for state in self.local.supervisor.states() if state.id == service)

    def address(self, cluster: str | None = None) -> str:
        """Return the shop's address: of the platform, or of one region."""
        edge = self.local.facts.platform.spec.edge
        return f"https://localhost:{edge.region_ports[cluster] if cluster else edge.platform_port}"

    def region(self, cluster: str) -> str:
        """Return the region of a cluster, e.g. ``kr``."""
        return str(self.local.facts.cluster(cluster).spec.region)

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """What makes a client trust the platform's own authority, and nobody else."""
        return ssl.create_default_context(cafile=str(self.local.paths.pki(PLATFORM) / f"{CLUSTER_CA}.crt"))

    def fetch(self, path: str = "/", cluster: str | None = None, **headers: str) -> httpx.Response:
        """Get a page over a new connection, as a viewer with these headers (``_`` for ``-``)."""
        with httpx.Client(verify=self.trust, timeout=10) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.get(self.address(cluster) + path, headers=named)

    def load(self, path: str, cluster: str | None, rate: float, seconds: float, **headers: str) -> LoadProcess:
        """Return a load of kept and new connections in turns, to be started by ``with``."""
        plan = LoadPlan(
            url=self.address(cluster) + path,
            rate=rate,
            duration=seconds,
            connections="mixed",
            viewers=VIEWERS,
            headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
            ca_certificate=self.local.paths.pki(PLATFORM) / f"{CLUSTER_CA}.crt",
        )
        return LoadProcess(plan, self.path)

    def tell(self, name: str, result: LoadResult) -> str:
        """Write a load's figures to the log, and return them for a test's message."""
        lost = result.outcomes.get(OVERLOAD)
        times = [step.at for step in result.timeline if step.not_sent]
        late = f" from {times[0]:g} to {times[-1]:g} s" if times else ""
        window = ""
        if result.failures:
            first, last = result.failures[0], result.failures[-1]
            window = f" between {first.due:.1f} and {last.due + last.took:.1f} s"
        told = (
            f"load {name}: {result.sent} sent in {result.elapsed:.0f} s ({result.opened} connections), {result.ok} ok, "
            f"{result.failed} failed{window}, {lost.count if lost else 0} too late by the client{late}; "
            f"p50 {result.response.p50:.0f} ms, p99 {result.response.p99:.0f} ms; "
            f"{ {k: v.count for k, v in result.outcomes.items()} }"
        )
        self.say(told)
        return told
