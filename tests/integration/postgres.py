"""A real PostgreSQL, started as infrastructure/data starts it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "infrastructure/data/base/start.sh"
SUPERUSER_PASSWORD = "it's"


def credentials(folder: Path, service: str, password: str) -> None:
    """Write a service's Secret as it is mounted."""
    keys = {"PGUSER": service, "PGPASSWORD": password, "PGDATABASE": service}
    (folder / "databases" / service).mkdir(parents=True, exist_ok=True)
    for key, value in keys.items():
        (folder / "databases" / service / key).write_text(value)


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Run the script as the pod does, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run, data = folder / "run", folder / "data"
    for made in (run, data):
        made.mkdir(exist_ok=True)
    as_user = []
    if os.getuid() == 0:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for made in (run, data):
            shutil.chown(made, "postgres", "postgres")
    script = SCRIPT.read_text().replace("listen_addresses='*'", f"listen_addresses=127.0.0.1 -p {port} -k {run}")
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PGDATA": str(data / "pgdata"),
        "SUPERUSER_PASSWORD": SUPERUSER_PASSWORD,
        "DATABASES": str(folder / "databases"),
    }
    server = subprocess.Popen([*as_user, "bash", "-c", script], env=environment, cwd="/")
    try:
        yield port
    finally:
        server.send_signal(2)  # fast shutdown
        server.wait(30)


async def login(port: int, service: str, password: str) -> str:
    """Sign in as a service, make a table, and return who owns its database."""
    for _ in range(300):
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=port, user=service, password=password, database=service, timeout=2
            )
        except (ConnectionError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.1)
            continue
        await connection.execute("CREATE TABLE IF NOT EXISTS mark AS SELECT 1 AS one")
        owner = await connection.fetchval("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", service)
        await connection.close()
        return str(owner)
    pytest.fail("PostgreSQL did not come up in 30 s")
