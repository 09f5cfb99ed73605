"""What the bastion's playbook is told, and how a rehearsal's machine is made: data out of the facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from onair.core.access.people import UIDS, PeopleSpec, Person
from onair.core.facts import Cluster, Environment, Facts

NETNS, BRIDGE = "bastion", "bastion0"
"""Of a rehearsal; no name of the regions', which come and go without it."""
STATE = Path("/var/lib/onair-bastion")
"""Folder of a rehearsal: its system, backups, keys and records."""
_OFFSET, _PREFIX = 32, 28
"""Place of the rehearsal's network in the hub's range."""
HUB_PLACE = 14
"""Where the regions' hub stands in it, while there are regions."""
COLLECTOR_PORT, API_PORT = 6514, {Environment.LOCAL: 6443, Environment.PROD: 443}
"""Syslog over TLS (RFC 5425), and what API servers listen on."""
SYSTEM = (
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "openssh-server",
    "python3",
    "python3-apt",
    "sudo",
    "iproute2",
    "ca-certificates",
    "gpgv",
    "less",
)
"""What a cloud's Debian 12 image brings besides the base: the rehearsal starts from as much, and no more."""


def network(facts: Facts, place: int = 1) -> IPv4Interface:
    """Return an address of the rehearsal's network: 1 is the machine, 2 the bastion, further ones are guests."""
    hub = facts.platform.spec.hub.cidr
    return IPv4Interface(f"{hub.network_address + _OFFSET + place}/{_PREFIX}")


def variables(facts: Facts, cluster: Cluster, people: PeopleSpec, today: date) -> dict[str, Any]:
    """Return what the playbook needs to know of people, clusters and addresses.

    Parameters
    ----------
    cluster
        The one that the bastion belongs to: in the cloud it reaches no other's API server.
    """
    environment = cluster.spec.environment
    port = API_PORT[environment]
    reached = facts.local() if environment is Environment.LOCAL else [cluster]
    naming = facts.platform.spec.naming["resource"]
    prefix = naming.format(environment=environment, region=cluster.spec.region, role="").rstrip("-")
    return {
        "groups": [{"name": name, "gid": group.gid, "sudo": group.sudo} for name, group in people.groups.items()],
        "people": [_person(each) for each in people.standing(today)],
        "ended": [each.name for each in people.ended(today)],
        "uids": {"first": UIDS[0], "last": UIDS[-1]},
        "api_servers": [
            {
                "cluster": each.name,
                "address": str(each.control_plane if environment is Environment.LOCAL else each.network.nodes),
                "port": port,
                "open": f"{each.control_plane}:{port}",
            }
            for each in reached
        ],
        "ranges": [str(each.network.cidr) for each in reached],
        "address": {"gateway": str(network(facts).ip), "collector_port": COLLECTOR_PORT},
        "kubernetes": facts.platform.spec.versions["kubernetes"],
        "naming": {"prefix": prefix, "bucket": f"{prefix}-bastion"},
    }


def _person(each: Person) -> dict[str, Any]:
    closes = datetime.combine(each.until + timedelta(days=1), time(), UTC)
    return {
        "name": each.name,
        "uid": each.uid,
        "called": each.called,
        "groups": each.groups,
        "keys": each.keys,
        "expires": closes.timestamp(),
        "sealed": each.sealed,
    }


def debootstrap(target: Path) -> list[str]:
    """Return the command that makes a bare Debian 12 as an archive."""
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--mode=root",
        f"--include={','.join(SYSTEM)}",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "bookworm",
        str(target),
    ]


def boot(root: Path, binds: Mapping[Path, str]) -> list[str]:
    """Return the command that boots ``root`` in the rehearsal's network; it ends when the system halts."""
    command: Sequence[str] = [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        f"--directory={root}",
        "--machine=bastion",
        "--register=no",
        "--keep-unit",
        f"--network-namespace-path=/run/netns/{NETNS}",
        "--capability=CAP_NET_ADMIN",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
    ]
    return [*command, *(f"--bind={here}:{there}" for here, there in binds.items())]
