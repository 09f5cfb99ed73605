"""Puts the services' sources on the path, and starts a real PostgreSQL for the tests that need one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

APPS = Path(__file__).parent
SOURCES = [str(APPS / name / "src") for name in ("common", "catalog", "live", "origin", "web")]
sys.path[:0] = [s for s in SOURCES if s not in sys.path]

REGION_ENV = {
    "kr": {
        "REGION": "kr",
        "CLUSTER": "local-kr",
        "PEER": "local-us",
        "CURRENCY": "KRW",
        "LOCALE": "ko-KR",
        "TIMEZONE": "Asia/Seoul",
    },
    "us": {
        "REGION": "us",
        "CLUSTER": "local-us",
        "PEER": "local-kr",
        "CURRENCY": "USD",
        "LOCALE": "en-US",
        "TIMEZONE": "America/Los_Angeles",
    },
}


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def region_env() -> dict[str, dict[str, str]]:
    """What the cluster's facts tell a pod, by region."""
    return REGION_ENV


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """A PostgreSQL server of Debian's package on a free loopback port; yields its PG* environment."""
    binaries = Path("/usr/lib/postgresql/15/bin")
    if not (binaries / "initdb").exists():
        pytest.fail("PostgreSQL is missing: apt-get install postgresql-15")
    # PostgreSQL refuses to run as root: then it runs as the package's user.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="onair-pg-") as folder:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        data, port = f"{folder}/data", free_port()
        initdb = [
            *as_user,
            str(binaries / "initdb"),
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "onair",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/")
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=40"]
        server = subprocess.Popen(
            [*as_user, binaries / "postgres", "-D", data, "-p", str(port), "-k", folder, *options],
            cwd="/",
            stderr=subprocess.DEVNULL,
        )
        try:
            yield {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "onair", "PGDATABASE": "postgres"}
        finally:
            server.send_signal(2)  # fast shutdown
            server.wait(30)
