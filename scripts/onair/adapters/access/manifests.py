"""Roles and bindings: of the people's groups from their files, of a whole cluster as its Argo CD would sync it."""

from __future__ import annotations

from pathlib import Path

import yaml

from onair.core.access.rbac import Grant, grants
from onair.core.finding import Finding, OnairError
from onair.core.yaml_loader import LOADER

BASE = "infrastructure/access/base"


def of_people(root: Path) -> list[Grant]:
    """Return what the people's groups are granted.

    Raises
    ------
    OnairError
        A file is not YAML.
    """
    found = []
    for file in sorted((root / BASE).glob("*.yaml")):
        try:
            found += [each for each in yaml.load_all(file.read_text(encoding="utf-8"), Loader=LOADER) if each]
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = str(file.relative_to(root))
            raise OnairError(
                Finding(rule="access/yaml", what=f"not YAML: {error}", file=where, line=mark.line + 1 if mark else None)
            ) from error
    return grants(found)


def of_cluster(root: Path, cluster: str) -> list[Grant]:
    """Return all that a cluster's roles and bindings grant, upstream's included; Kubernetes' own are not in git."""
    from datetime import UTC, datetime  # noqa: PLC0415 - rendering is not needed by who asks of people alone

    from onair.adapters.gate import check  # noqa: PLC0415
    from onair.adapters.gate.cache import default_folder  # noqa: PLC0415

    read = check.read(root, check.Options(now=datetime.now(UTC), cache=default_folder()))
    if read.rendered.findings:
        raise OnairError(*read.rendered.findings)
    return grants(each.body for each in read.rendered.slim_objects if each.cluster == cluster)
