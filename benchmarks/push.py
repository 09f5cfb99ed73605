"""From ``git push`` to Applications refreshed and Synced in both regions: webhook and polling side by side."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from benchmarks import regions
from benchmarks.record import ROOT, Figure, Record, machine, save
from benchmarks.regions import MAIN, git
from onair.adapters.facts_file import read
from onair.core.facts import Cluster, Facts
from onair.core.paths import Paths

SERVICE = "web"
REFRESHED_SECONDS, SYNCED_SECONDS = 10.0, 30.0
POLL_SECONDS = 0.1
WEBHOOK_LIMIT, POLLING_LIMIT = 120.0, 600.0
LABELLED = re.compile(
    rf"(metadata: \{{name: {SERVICE}, labels: \{{app\.kubernetes\.io/name: {SERVICE}\}})"
    r"(?:, annotations: \{[^}]*\})?\}"
)
"""The Service's metadata, as it is written."""


@dataclass
class Watched:
    """One region's Application: when it showed a revision (seconds after the push)."""

    cluster: str
    api: httpx.Client
    refreshed: float | None = None
    synced: float | None = None

    def look(self, revision: str, elapsed: float) -> bool:
        """Look once; True when it is Synced to ``revision``."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{SERVICE}"
        application = self.api.get(path).raise_for_status().json()
        sync = application.get("status", {}).get("sync", {})
        if sync.get("revision") == revision:
            self.refreshed = self.refreshed or elapsed
            if sync.get("status") == "Synced":
                self.synced = self.synced or elapsed
        return self.synced is not None


@dataclass
class Samples:
    """Seconds from push to refreshed and to Synced; the slower region counts."""

    refreshed: list[float] = field(default_factory=list)
    synced: list[float] = field(default_factory=list)


def run(pushes: int = 10, polled: int = 3) -> Record:
    """Measure ``pushes`` with webhooks and ``polled`` without; the served branch is put back afterwards.

    Raises
    ------
    RuntimeError
        If a region does not follow within the limit.
    """
    before, facts = machine(), read(ROOT)
    bare = Paths.of().git / Path(urlsplit(facts.platform.spec.git.local).path).name
    webhook, polling = Samples(), Samples()
    with regions.clone() as folder:

        def fetch() -> None:  # into the served repository: no push, so no hook and no webhook
            git(folder, "--git-dir", str(bare), "fetch", "--quiet", str(folder), f"+HEAD:{MAIN}")

        for number in range(pushes):
            _commit(folder, f"webhook-{number}")
            _measure(webhook, folder, facts, WEBHOOK_LIMIT, lambda: regions.push(folder))
        for number in range(polled):
            _commit(folder, f"polling-{number}")
            _measure(polling, folder, facts, POLLING_LIMIT, fetch)
    figures = [
        Figure(name="webhook: push to refreshed", unit="s", samples=webhook.refreshed, target=10, judged="p95"),
        Figure(name="webhook: push to Synced", unit="s", samples=webhook.synced, target=30, judged="p95"),
    ]
    if polled:
        note = f"timeout.reconciliation {_reconciliation(facts.local()[0])}"
        figures += [
            Figure(name="polling: push to refreshed", unit="s", samples=polling.refreshed, note=note),
            Figure(name="polling: push to Synced", unit="s", samples=polling.synced, note=note),
        ]
    detail = f"Each push changes an annotation of the Service {SERVICE} and passes the gate; the slower region counts."
    return save("push", figures, before, [detail])


def _measure(samples: Samples, clone: Path, facts: Facts, limit: float, publish: Callable[[], None]) -> None:
    revision = git(clone, "rev-parse", "HEAD")
    watched = [Watched(cluster.name, _api(cluster)) for cluster in facts.local()]
    began = time.monotonic()
    publish()
    waiting = watched
    while waiting:
        if time.monotonic() - began > limit:
            raise RuntimeError(f"{', '.join(w.cluster for w in waiting)} not Synced to {revision} within {limit:g} s")
        waiting = [w for w in waiting if not w.look(revision, time.monotonic() - began)]
        time.sleep(POLL_SECONDS)
    samples.refreshed.append(max(w.refreshed or limit for w in watched))
    samples.synced.append(max(w.synced or limit for w in watched))


def _commit(clone: Path, mark: str) -> None:
    """Commit a change that reaches the clusters but starts no rollout, and that the gate lets in."""
    file = clone / "apps" / SERVICE / "base/network.yaml"
    text = file.read_text(encoding="utf-8")
    changed = LABELLED.sub(rf"\1, annotations: {{onair.dev/bench: {mark}}}}}", text, count=1)
    if changed == text:
        raise RuntimeError(f"{file.name} has no Service that this benchmark knows how to change")
    file.write_text(changed, encoding="utf-8")
    git(clone, "commit", "--quiet", "--all", "--message", f"Benchmark: {mark}")


def _api(cluster: Cluster) -> httpx.Client:
    """Return a client of the API server, as the administrator: a kept connection measures finer than kubectl."""
    content: Any = yaml.safe_load(Paths.of().kubeconfig(cluster.name).read_text(encoding="utf-8"))
    server, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    context = ssl.create_default_context(cafile=server["certificate-authority"])
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    return httpx.Client(base_url=server["server"], verify=context, timeout=10)


def _reconciliation(cluster: Cluster) -> str:
    answer = _api(cluster).get("/api/v1/namespaces/argocd/configmaps/argocd-cm").raise_for_status().json()
    data: dict[str, str] = answer.get("data") or {}
    return data.get("timeout.reconciliation", "at its default (120 s and up to 60 s of jitter)")
