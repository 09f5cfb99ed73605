"""Renders a kustomization, as Argo CD's repo-server does."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onair.core.finding import Finding, OnairError

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
    done = run((str(binary), "build"), folder, environment or {})
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise _failed(folder, message.removeprefix("Error: "), f"run: kustomize build {folder}")
    import yaml  # noqa: PLC0415 - the gate reads by another loader, and loads it while the program runs

    from onair.core.yaml_loader import LOADER  # noqa: PLC0415

    return [found for found in yaml.load_all(done.stdout, Loader=LOADER) if found]


def run(program: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run ``kustomize build``, or what stands in for it, on ``folder``; it may end with a failure.

    Raises
    ------
    OnairError
        There is no such program, or no answer.
    """
    settings = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **environment}
    words = [*program, str(folder)]
    try:
        return subprocess.run(words, env=settings, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise _failed(folder, f"no answer within {TIMEOUT_SECONDS} s", "is a remote base reachable?") from error
    except OSError as error:
        raise _failed(folder, f"cannot run {program[0]}: {error.strerror}", "run: onair toolchain") from error


def _failed(folder: Path, what: str, mend: str) -> OnairError:
    file = str(folder / "kustomization.yaml")
    return OnairError(Finding(rule="kustomize/build", what=what, mend=mend, file=file))
