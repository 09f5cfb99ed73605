"""Makes the planned network real, and takes it away: ``ip`` commands, each safe to repeat."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from onair.core.topology import ROOT, End, Link, Topology

PREFIX = "onair-"
"""Every namespace, and every interface in the machine's own namespace, that is ours starts with this."""


def enter(netns: str) -> list[str]:
    """Return the command prefix that runs a program in ``netns`` (``ip netns exec`` would hide the cgroups)."""
    return ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []


def ensure(topology: Topology) -> None:
    """Build what is missing of the network, and heal what is cut.

    Raises
    ------
    subprocess.CalledProcessError
        If the kernel refuses a step; its message is in ``stderr``.
    """
    have = set(namespaces())
    for space in topology.namespaces:
        if space not in have:
            _run(["ip", "netns", "add", space])
        batch(space, ["link set lo up"])
        _run([*enter(space), "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0"])
    devices = {space: _devices(space) for space in [ROOT, *topology.namespaces]}
    for bridge in topology.bridges:
        if bridge.device not in devices[bridge.netns]:
            batch(bridge.netns, [f"link add {bridge.device} type bridge"])
        _configure(bridge)
    for link in topology.links:
        if not all(end.device in devices[end.netns] for end in (link.a, link.b)):
            _recreate(link, devices)
        for end in (link.a, link.b):
            _configure(end)
    for route in topology.routes:
        target = f"via {route.via}" if route.via else ""
        kind = "" if route.via else "unreachable "
        batch(route.netns, [f"route replace {kind}{route.destination} {target} metric {route.metric}"])


def cut(link: Link) -> None:
    """Take both ends of a link down: nothing passes, nothing answers."""
    for end in (link.a, link.b):
        batch(end.netns, [f"link set {end.device} down"])


def is_up(link: Link) -> bool:
    """Tell whether both ends of a link are up."""
    return all(_devices(end.netns).get(end.device) for end in (link.a, link.b))


def remove() -> None:
    """Delete every namespace and interface of ours, with all that is in them."""
    for device in _devices(ROOT):
        if device.startswith(PREFIX):
            _run(["ip", "link", "del", device], check=False)
    for space in namespaces():
        _run(["ip", "netns", "del", space], check=False)


def namespaces() -> list[str]:
    """Return the names of our namespaces that exist, pods' ones not included."""
    folder = Path("/run/netns")
    return sorted(x.name for x in folder.iterdir() if x.name.startswith(PREFIX)) if folder.is_dir() else []


def _recreate(link: Link, devices: dict[str, dict[str, bool]]) -> None:
    for end in (link.a, link.b):
        if end.device in devices[end.netns]:
            batch(end.netns, [f"link del {end.device}"])
    a, b = link.a, link.b
    peer = f" netns {b.netns}" if b.netns else ""
    batch(a.netns, [f"link add {a.device} type veth peer name {b.device}{peer}"])


def _configure(end: End) -> None:
    lines = [f"link set {end.device} up"]
    if end.bridge:
        lines.insert(0, f"link set {end.device} master {end.bridge}")
    if end.address:
        lines.insert(0, f"addr replace {end.address} dev {end.device}")
    batch(end.netns, lines)


def _devices(netns: str) -> dict[str, bool]:
    done = subprocess.run(
        ["ip", *(["-n", netns] if netns else []), "-j", "link"], capture_output=True, text=True, check=True
    )
    return {x["ifname"]: "UP" in x["flags"] for x in json.loads(done.stdout or "[]")}


def batch(netns: str, lines: list[str]) -> None:
    """Run lines of ``ip`` in a namespace, "" for the machine's own.

    Raises
    ------
    subprocess.CalledProcessError
        If the kernel refuses one; its message is in ``stderr``.
    """
    command = ["ip", *(["-n", netns] if netns else []), "-batch", "-"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)


def _run(command: list[str], *, check: bool = True) -> None:
    subprocess.run(command, check=check, capture_output=True, text=True)
