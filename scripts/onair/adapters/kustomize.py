"""Renders a kustomization, as Argo CD's repo-server does."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from onair.core.finding import Finding, OnairError
from onair.core.yaml_loader import LOADER

TIMEOUT_SECONDS = 180


def build(folder: Path, *, binary: Path, environment: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Render the kustomization in ``folder``.

    Parameters
    ----------
    folder
        Where ``kustomization.yaml`` is.
    binary
        The kustomize program.
    environment
        Added to ours, e.g. :func:`onair.adapters.mirrors.git_environment`, so that remote bases come from mirrors.

    Returns
    -------
    list
        The objects, in kustomize's order.

    Raises
    ------
    OnairError
        It does not render; with kustomize's own message.
    """
    try:
        done = subprocess.run(
            [str(binary), "build", str(folder)],
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(folder, f"no answer within {TIMEOUT_SECONDS} s", "is a remote base reachable?") from error
    except OSError as error:
        raise _failed(folder, f"cannot run {binary}: {error.strerror}", "run: onair toolchain") from error
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise _failed(folder, message.removeprefix("Error: "), f"run: kustomize build {folder}")
    return [found for found in yaml.load_all(done.stdout, Loader=LOADER) if found]


def _failed(folder: Path, what: str, mend: str) -> OnairError:
    file = str(folder / "kustomization.yaml")
    return OnairError(Finding(rule="kustomize/build", what=what, mend=mend, file=file))
