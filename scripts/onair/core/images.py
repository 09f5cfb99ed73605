"""Which images there are, and the key by which an unchanged one is known: a pure reading of ``apps/``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

REGISTRY_FOLDER = "onair"
SHARED = (
    "apps/Containerfile",
    "apps/base-image.yaml",
    "apps/common/src",
    "requirements/services.txt",
    "requirements/assets.txt",
)
"""What every service's image is made of, besides its own folder."""
NOT_IN_IMAGE = ("base", "tests")
"""A service's folders that do not go into its image: manifests and tests."""


class PlatformImage(BaseModel):
    """One entry of ``apps/images.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    programs: list[str] = []
    source: str | None = None
    """Toolchain module whose source tree is a build context (``<target>-source``)."""

    def reference(self, version: Callable[[str], str]) -> str:
        """Return the name with the tool's version filled in."""
        tool = self.name.partition("{")[2].partition("}")[0]
        return self.name.replace(f"{{{tool}}}", version(tool)) if tool else self.name


class Build(NamedTuple):
    """One image to be had: ``target`` of the Containerfile as ``repository``, known by ``key``."""

    target: str
    repository: str
    key: str
    tags: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    source: str | None = None
    version: str = ""
    name: str = ""
    """What manifests call it, with registry and tag; services are called by digest."""

    @property
    def key_tag(self) -> str:
        """The registry tag that says which inputs an image was made of."""
        return f"key-{self.key}"


ALSO = {"worker": ("apps/order/src",)}
"""Other services' folders that a service's image holds: worker runs on order's domain code."""


def key(parts: Iterable[str]) -> str:
    """Return a short hash of a build's inputs."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def service_inputs(service: str, entries: Iterable[str]) -> list[str]:
    """Return the paths that a service's image is made of, given the entries of its folder."""
    own = [f"apps/{service}/{entry}" for entry in sorted(entries) if entry not in NOT_IN_IMAGE]
    return [*SHARED, *ALSO.get(service, ()), *own]


def service_build(service: str, objects: Iterable[str]) -> Build:
    """Return a service's build from the git object ids of its inputs; the version is the key's beginning."""
    found = key(objects)
    return Build(service, f"{REGISTRY_FOLDER}/{service}", found, version=found[:7])
