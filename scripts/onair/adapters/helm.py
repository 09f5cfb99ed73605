"""Renders the chart of an Argo CD Application's Helm source, as repo-server does."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from onair.adapters import git_read
from onair.core.finding import Finding, OnairError
from onair.core.yaml_loader import LOADER


def template(
    application: Mapping[str, Any], *, binary: Path, environment: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Render the chart that an Application names.

    Parameters
    ----------
    application
        The Application; its source names a git repository, a path and a tag.
    binary
        The helm program.
    environment
        Added to ours, so that git reads mirrors (:func:`onair.adapters.mirrors.git_environment`).

    Returns
    -------
    list
        The objects, hooks included.

    Raises
    ------
    OnairError
        If the repository cannot be read or the chart does not render.
    """
    name, source = application["metadata"]["name"], application["spec"]["source"]
    settings = source.get("helm", {})
    with tempfile.TemporaryDirectory() as folder:
        found = git_read.archive(source["repoURL"], source["targetRevision"], source["path"], environment or {})
        with tarfile.open(fileobj=io.BytesIO(found)) as archive:
            archive.extractall(folder, filter="data")
        chart, values = Path(folder) / source["path"], Path(folder) / "values.json"
        values.write_text(json.dumps(settings.get("valuesObject", {})))
        words = [str(binary), "template", settings.get("releaseName", name), str(chart)]
        words += ["--namespace", application["spec"]["destination"]["namespace"]]
        words += [] if settings.get("skipCrds") else ["--include-crds"]
        for file in [*(chart / name for name in settings.get("valueFiles", [])), values]:
            words += ["--values", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OnairError(Finding(rule="helm/template", what=f"Application {name}: {done.stderr.strip()}"))
    return [found for found in yaml.load_all(done.stdout, Loader=LOADER) if found]
