"""Writes ``clusters/<cluster>/facts/outputs.yaml`` out of what Terraform says of the regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from onair.adapters.cloud.build import Estate
from onair.adapters.facts_file import PLATFORM
from onair.core.cloud import outputs
from onair.core.yaml_loader import LOADER


def write(estate: Estate) -> list[str]:
    """Write the file of every cluster that was built; returns those that changed.

    Raises
    ------
    OnairError
        Terraform knows nothing of a region.
    """
    values = {each.workspace: estate.region_facts(each) for each in estate.regions}
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


def _spec(file: Path) -> dict[str, Any]:
    """Return ``spec`` as written, as the gate reads it."""
    spec: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)["spec"]  # noqa: S506 - a safe loader
    return spec
