"""What benchmarks of the running regions share: a clone that they push from, releases, load, and a look at services."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.record import ROOT
from onair.adapters import kube_api
from onair.adapters.facts_file import read
from onair.adapters.kube_api import KubeApi, Object
from onair.adapters.load_process import LoadProcess
from onair.core.load import LoadPlan
from onair.core.paths import Paths
from onair.core.pki import CLUSTER_CA

IDENTITY = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@onair.test")
MAIN = "refs/heads/main"
GIT_SECONDS, API_SECONDS = 120.0, 30.0
"""How long a push that passes the gate, and a busy control plane's answer, may take."""


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return its output.

    Raises
    ------
    RuntimeError
        If it fails; the message is git's.
    """
    command = ["git", *IDENTITY, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def clone() -> Iterator[Path]:
    """Yield a clone of what the regions serve; their branch is put back at the end."""
    url = read(ROOT).platform.spec.git.local
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder:
        found = Path(folder) / "clone"
        git(Path(folder), "clone", "--quiet", "--branch", "main", url, str(found))
        first = git(found, "rev-parse", "HEAD")
        try:
            yield found
        finally:
            git(found, "push", "--quiet", "--force", url, f"{first}:{MAIN}")


def push(folder: Path) -> None:
    """Push a clone's commits to where it is from."""
    git(folder, "push", "--quiet", "origin", f"HEAD:{MAIN}")


def release(folder: Path, service: str, cluster: str) -> None:
    """Commit what stands in a clone, build a service's image of it, and commit its digest.

    Raises
    ------
    RuntimeError
        If the image cannot be built; the message is the command's.
    """
    git(folder, "commit", "--quiet", "--all", "--message", f"Benchmark: another {service}")
    environment = {**os.environ, "PYTHONPATH": str(folder / "scripts")}
    command = [sys.executable, "-m", "onair", "release", service, "--to", cluster]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"onair release {service}: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def edge(cluster: str) -> str:
    """Return the address of a region's edge."""
    return f"https://localhost:{read(ROOT).platform.spec.edge.region_ports[cluster]}"


def load_of(url: str, rate: float, seconds: float) -> LoadProcess:
    """Return a load over kept and new connections by turns; ``with`` starts it."""
    plan = LoadPlan(
        url=url,
        rate=rate,
        duration=seconds,
        connections="mixed",
        viewers=100,
        ca_certificate=Paths.of().pki("platform") / f"{CLUSTER_CA}.crt",
    )
    return LoadProcess(plan, ROOT)


def api_of(cluster: str) -> KubeApi:
    """Return a client of a region's API server."""
    return KubeApi(Paths.of().kubeconfig(cluster), API_SECONDS)


def rollout_of(api: KubeApi, service: str) -> Object:
    """Return a service's Rollout.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    found = api.get(f"{kube_api.ROLLOUTS}/{service}")
    if found is None:
        raise RuntimeError(f"there is no Rollout {service}: make up")
    return found


def strategy_of(rollout: Object) -> str:
    """Return how a Rollout brings a new version."""
    return "blue/green" if "blueGreen" in rollout["spec"]["strategy"] else "canary"


def pods_of(api: KubeApi, service: str) -> list[Object]:
    """Return a service's pods, those that are being deleted included."""
    return api.items(f"/api/v1/namespaces/shop/pods?labelSelector=app.kubernetes.io/name={service}")


def digest_of(pod: Object) -> str:
    """Return the digest of the image that a pod runs."""
    return str(pod["spec"]["containers"][0]["image"]).rpartition("@")[2]
