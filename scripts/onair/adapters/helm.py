"""Renders the chart of an Argo CD Application's Helm source, as repo-server does."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

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
        _fetch(Path(folder), source, environment or {})
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


def _fetch(folder: Path, source: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    git = ["git", "-C", str(folder)]
    settings = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **environment}
    fetch = ["fetch", "--quiet", "--depth=1", source["repoURL"], source["targetRevision"]]
    archive = ["archive", "--format=tar", "FETCH_HEAD", source["path"]]
    for words in (["init", "--quiet"], fetch, archive):
        done = subprocess.run([*git, *words], env=settings, capture_output=True, check=False)
        if done.returncode:
            what = f"{source['repoURL']} {source['targetRevision']}: {done.stderr.decode(errors='replace').strip()}"
            raise OnairError(Finding(rule="helm/source", what=what, mend="is the repository reachable, the tag right?"))
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(folder, filter="data")
