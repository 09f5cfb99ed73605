"""Where the local platform keeps things on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Folders of the local platform.

    Attributes
    ----------
    cache
        What ``down`` keeps: binaries, images, mirrors.
    state
        Keys, databases, volumes, logs; gone after ``down``.
    run
        Sockets and supervisor folders; gone after ``down`` and after a reboot.
    """

    cache: Path
    state: Path
    run: Path

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Paths:
        """Return the folders; ``ONAIR_CACHE`` moves the cache (manifests name the state folder, so it stays)."""
        return cls(
            Path(environment.get("ONAIR_CACHE", "/var/cache/onair")),
            Path("/var/lib/onair"),
            Path("/run/onair"),
        )

    def region(self, cluster: str) -> Path:
        """State of one region."""
        return self.state / cluster

    def pki(self, cluster: str) -> Path:
        """Keys of one region, or of the ``platform``."""
        return self.state / cluster / "pki"

    def kubeconfig(self, cluster: str) -> Path:
        """The administrator's kubeconfig of a region."""
        return self.state / cluster / "admin.kubeconfig"

    @property
    def edge_log(self) -> Path:
        """What the edge writes of each request and each publisher's connection."""
        return self.state / "log/edge-access.log"

    @property
    def records(self) -> Path:
        """Kept records of who did what in the shop and at the edge."""
        return self.state / "records"

    @property
    def git(self) -> Path:
        """Bare repositories that the git server serves."""
        return self.state / "git"
