"""Puts the services' sources on the path, and starts real PostgreSQL and Valkey-protocol servers for the tests."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
from hypothesis import settings

settings.register_profile("here", deadline=None)  # a busy machine is no failure: timing belongs to benchmarks/
settings.load_profile("here")
APPS = Path(__file__).parent
SOURCES = sorted(str(source) for source in APPS.glob("*/src"))
sys.path[:0] = [s for s in SOURCES if s not in sys.path]

_names = itertools.count()

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


@pytest.fixture
def free_address() -> tuple[str, int]:
    """A loopback address that nobody listens on now."""
    return "127.0.0.1", free_port()


@pytest.fixture(scope="session", name="free_port")
def _free_port() -> Callable[[], int]:
    """Return a function that finds a free loopback port."""
    return free_port


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
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=80"]
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


@contextmanager
def _valkey(port: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="onair-valkey-") as folder:
        # As in infrastructure/data, but nothing is kept: no append-only file.
        options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


@pytest.fixture
def valkey_server() -> Iterator[Callable[..., str]]:
    """Start a server of Debian's redis-server on a free loopback port, or the one given; returns its URL."""
    if not shutil.which("redis-server"):
        pytest.fail("redis-server is missing: apt-get install redis-server")
    with ExitStack() as servers:
        yield lambda port=0: servers.enter_context(_valkey(port or free_port()))


@pytest.fixture(scope="session")
def _valkey_session() -> Iterator[str]:
    if not shutil.which("redis-server"):
        pytest.fail("redis-server is missing: apt-get install redis-server")
    with _valkey(free_port()) as url:
        yield url


@pytest.fixture
async def valkey(_valkey_session: str) -> str:
    """URL of a Valkey-protocol server, emptied for this test."""
    client = redis.asyncio.from_url(_valkey_session)
    await client.flushall()
    await client.aclose()
    return _valkey_session


@pytest.fixture
def make_database(postgres: dict[str, str]) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Make new, empty databases; each call returns asyncpg's connect arguments."""
    server: dict[str, Any] = {"host": postgres["PGHOST"], "port": int(postgres["PGPORT"]), "user": postgres["PGUSER"]}

    async def make() -> dict[str, Any]:
        name = f"t{next(_names)}"
        for attempt in range(100):
            try:
                admin = await asyncpg.connect(**server, database="postgres")
                break
            except (OSError, asyncpg.PostgresError):
                if attempt == 99:
                    raise
                await asyncio.sleep(0.1)
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        return server | {"database": name}

    return make


@pytest.fixture
async def database(make_database: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """A new, empty database; returns asyncpg's connect arguments."""
    return await make_database()
