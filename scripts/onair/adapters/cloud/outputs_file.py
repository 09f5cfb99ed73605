"""Writes ``clusters/<cluster>/facts/outputs.yaml`` out of what Terraform says of the regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from onair.adapters.cloud.build import Estate
from onair.adapters.facts_file import PLATFORM
from onair.core.cloud import outputs
from onair.core.finding import Finding, OnairError
from onair.core.yaml_loader import LOADER

ROOT_MODULE = "regional"


def write(estate: Estate) -> list[str]:
    """Write the file of every cluster that was built; returns those that changed.

    Raises
    ------
    OnairError
        Terraform knows nothing of a region.
    """
    built = [each for wave in estate.waves for each in wave if each.folder == ROOT_MODULE]
    values = {each.workspace: _values(each.workspace, estate.facts_of(each)) for each in built}
    regions = {name: str(estate.facts.clusters[name].spec.region) for name in values}
    channels = {regions[name]: str(found["ivsChannel"]) for name, found in values.items()}
    platform = _spec(estate.root / PLATFORM)
    changed = []
    for name, found in values.items():
        made = outputs.made_from(platform, _spec(estate.root / f"clusters/{name}/facts/cluster.yaml"))
        names = estate.root / outputs.kustomization_of(name)
        for path, text in (
            (outputs.file_of(name), outputs.write(name, estate.place.account, made, found, channels)),
            (outputs.kustomization_of(name), outputs.named(names.read_text())),
        ):
            file = estate.root / path
            if not file.is_file() or file.read_text() != text:
                file.write_text(text)
                changed.append(path)
    return changed


def _values(cluster: str, found: dict[str, Any]) -> dict[str, Any]:
    held = found.get("facts")
    if not isinstance(held, dict):
        what = f"Terraform's state has no outputs of {cluster}"
        raise OnairError(Finding(rule="cloud/outputs", what=what, mend="build it: onair cloud up"))
    return held


def _spec(file: Path) -> dict[str, Any]:
    """Return ``spec`` as written, as the gate reads it."""
    spec: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)["spec"]  # noqa: S506 - a safe loader
    return spec
