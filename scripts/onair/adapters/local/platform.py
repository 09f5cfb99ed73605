"""The local platform as a whole: what the commands ``up``, ``down``, ``status`` and ``release`` work with."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from onair.adapters import edge as edge_adapter
from onair.adapters import facts_file, kube_api, mirrors, toolchain
from onair.adapters.local import files, git, network, pki
from onair.adapters.local.region import Region
from onair.adapters.local.supervisor import Supervisor
from onair.core import edge, hub, pod_trouble, status, topology
from onair.core.edge import EdgeFiles
from onair.core.facts import Cluster, Facts
from onair.core.finding import OnairError
from onair.core.paths import Paths
from onair.core.pki import CLUSTER_CA, Certificate
from onair.core.progress import Reporter
from onair.core.service import Service

PLATFORM = "platform"
"""Folder of keys that no single region owns."""


@dataclass(frozen=True)
class LocalPlatform:
    """Both local regions, the hub between them and the edge in front of them."""

    root: Path
    facts: Facts
    paths: Paths
    tools: toolchain.Toolchain

    @classmethod
    def prepare(cls, root: Path, reporter: Reporter) -> LocalPlatform:
        """Read the facts and make every program be there, building what is missing.

        Raises
        ------
        OnairError
            If the facts are wrong or a program cannot be built.
        """
        paths = Paths.of()
        facts = facts_file.read(root)
        return cls(root, facts, paths, toolchain.ensure(root, paths.cache, reporter))

    @classmethod
    def open(cls, root: Path) -> LocalPlatform:
        """Read the facts, for a look at what runs or a change to it; builds nothing.

        Raises
        ------
        OnairError
            If the facts are wrong.
        """
        paths = Paths.of()
        return cls(root, facts_file.read(root), paths, toolchain.locate(root, paths.cache))

    @property
    def clusters(self) -> list[Cluster]:
        """The clusters that run here."""
        return self.facts.local()

    @cached_property
    def supervisor(self) -> Supervisor:
        """What keeps the services running."""
        return Supervisor(self.paths)

    @cached_property
    def regions(self) -> list[Region]:
        """The local regions."""
        platform = self.facts.platform
        return [Region(platform, c, i, self.paths, self.tools.path) for i, c in enumerate(self.clusters)]

    @cached_property
    def topology(self) -> topology.Topology:
        """The network plan."""
        return topology.plan(self.facts.platform, self.clusters)

    def region(self, cluster: str) -> Region:
        """Return the region of the local ``cluster``.

        Raises
        ------
        OnairError
            If no cluster has this name.
        KeyError
            If it does not run here.
        """
        self.facts.cluster(cluster)
        return {region.cluster.name: region for region in self.regions}[cluster]

    @property
    def repository(self) -> Path:
        """The bare repository that both regions follow."""
        return self.paths.git / Path(str(self.facts.platform.spec.git.local)).name

    def start_hub(self) -> None:
        """Run the git server and the registry."""
        platform = self.facts.platform
        self.paths.git.mkdir(parents=True, exist_ok=True)
        link = self.paths.git / "mirrors"
        if not link.is_symlink():
            link.symlink_to(self.paths.cache / "mirrors")
        config = hub.registry_config(platform, self.paths)
        files.write({hub.config_path(self.paths): json.dumps(config, indent=1)})  # JSON is YAML too
        own = hub.services(platform, self.paths, self.tools.path)
        self.supervisor.ensure([*own, hub.keeper(self.facts, self.paths)])

    def start_edge(self) -> None:
        """Run the edge: one Envoy on loopback in front of both regions."""
        keys, run = self.keys(), self.paths.run / "edge"
        run.mkdir(parents=True, exist_ok=True)
        own = EdgeFiles(keys / "edge.crt", keys / "edge.key", keys / f"{CLUSTER_CA}.crt", run / "admin.sock",
                        self.paths.edge_log)  # fmt: skip
        own.access_log.parent.mkdir(parents=True, exist_ok=True)
        settings = self.facts.platform.spec.edge
        config = edge.bootstrap(settings, edge.regions(self.facts), edge.shop_host(self.facts), own)
        target, program = self.paths.state / "edge/envoy.json", self.tools.path("envoy")
        target.parent.mkdir(parents=True, exist_ok=True)
        edge_adapter.write_config(config, target, program)
        service = Service(
            "edge", "envoy", (str(program), *edge.arguments(target, settings)), configuration=(target.read_text(),)
        )
        self.supervisor.ensure([service])

    def keys(self) -> Path:
        """Return the folder of the platform's own authority, with certificates of edge and gateways."""
        folder = self.paths.pki(PLATFORM)
        pki.ensure_authority(folder, CLUSTER_CA)
        domain = self.facts.platform.spec.domains.local
        names = ("localhost", "127.0.0.1", domain, f"*.{domain}")
        pki.ensure(folder, Certificate("edge", CLUSTER_CA, "edge", names=names))
        return folder

    def git_environment(self) -> dict[str, str]:
        """Return what makes git, and so kustomize, read upstream's repositories off line."""
        return mirrors.git_environment(self.root, self.paths.cache / "mirrors")

    def edge_admin(self) -> edge_adapter.EdgeAdmin:
        """Return the edge's own interface."""
        return edge_adapter.EdgeAdmin(self.paths.run / "edge/admin.sock")

    @property
    def addresses(self) -> dict[str, str]:
        """Where a browser finds the shop, and git its remote."""
        settings = self.facts.platform.spec.edge
        found = {"shop": f"https://localhost:{settings.platform_port}/"}
        found |= {f"shop in {name}": f"https://localhost:{port}/" for name, port in settings.region_ports.items()}
        found["publish (RTMP)"] = f"rtmp://localhost:{settings.rtmp_port}/live"
        return {**found, f"git remote {git.REMOTE}": str(self.facts.platform.spec.git.local)}

    def inspect(self) -> status.PlatformState:
        """Return what runs now, as far as it answers."""
        services = [
            status.ServiceState(
                group=x.id.partition(".")[0],
                name=x.id.partition(".")[2],
                state=x.state,
                pid=x.pid,
                seconds=x.seconds,
            )
            for x in self.supervisor.states()
        ]
        healthy: dict[str, dict[str, bool]] = {}
        with contextlib.suppress(OnairError):
            healthy = self.edge_admin().region_health()
        with ThreadPoolExecutor() as pool:
            regions = list(pool.map(lambda region: self._inspect_region(region, healthy), self.regions))
        return status.PlatformState(services=services, regions=regions, addresses=self.addresses)

    def _inspect_region(self, region: Region, healthy: dict[str, dict[str, bool]]) -> status.RegionState:
        cluster = region.cluster
        try:
            links = {x.name: network.is_up(x) for x in self.topology.links if cluster.name in x.name}
        except Exception:  # namespaces are gone: nothing is up
            links = {}
        if not self.paths.kubeconfig(cluster.name).exists() or not region.api.ready():
            return status.RegionState(cluster=cluster.name, reachable=False, links=links)
        nodes = {item["metadata"]["name"]: status.ready(item) for item in region.api.items(kube_api.NODES)}
        health = healthy.get(cluster.spec.region)
        return status.RegionState(
            cluster=cluster.name,
            reachable=True,
            nodes=nodes,
            applications=[status.application(x) for x in region.api.items(kube_api.APPLICATIONS)],
            rollouts=[status.rollout(x) for x in region.api.items(kube_api.ROLLOUTS)],
            troubles=pod_trouble.troubles(region.api.items(kube_api.PODS), datetime.now(UTC)),
            links=links,
            edge_healthy=any(health.values()) if health else None,
        )
