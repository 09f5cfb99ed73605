"""What stands in for the internet: a git server and an image registry in a network namespace of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from onair.core.control_plane import Binary
from onair.core.facts import Facts, Platform
from onair.core.node import pod_logs
from onair.core.paths import Paths
from onair.core.service import Service
from onair.core.topology import HUB

GROUP = "hub"


def machine_address(platform: Platform) -> str:
    """Return the machine's own address towards the hub: the only one that may push."""
    return str(platform.spec.hub.cidr.network_address + 1)


def registry_url(platform: Platform) -> str:
    """Return the registry's address for the machine and the nodes."""
    return f"http://{platform.spec.hub.address}:{platform.spec.hub.registry_port}"


def registry_config(platform: Platform, paths: Paths) -> dict[str, Any]:
    """Return the registry's configuration; its storage is part of the cache."""
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(paths.cache / "registry")},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"{platform.spec.hub.address}:{platform.spec.hub.registry_port}"},
    }


def services(platform: Platform, paths: Paths, binary: Binary) -> list[Service]:
    """Return the hub's services."""
    hub = platform.spec.hub
    address, port = str(hub.address), str(hub.git_port)
    server = (sys.executable, "-m", "onair.adapters.local.git_server", address, port, str(paths.git))
    registry = (str(binary("registry")), "serve", str(config_path(paths)))
    config = json.dumps(registry_config(platform, paths))
    return [
        Service(GROUP, "git", (*server, machine_address(platform)), HUB),
        Service(GROUP, "registry", registry, HUB, {"OTEL_TRACES_EXPORTER": "none"}, configuration=(config,)),
    ]


def keeper(facts: Facts, paths: Paths) -> Service:
    """Return what keeps the access records of the shop and the edge, whose own logs go with their pods."""
    folders = {str(pod_logs(paths, each, node)): each.name for each in facts.local() for node in each.nodes}
    words = ("-m", "onair.adapters.access.keeper", str(paths.records), str(paths.edge_log), json.dumps(folders))
    return Service(GROUP, "records", (sys.executable, *words), HUB, nice=5)


def config_path(paths: Paths) -> Path:
    """Return where the registry's configuration is written."""
    return paths.state / GROUP / "registry.yaml"
