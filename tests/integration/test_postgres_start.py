"""infrastructure/data/base/start.sh against a real PostgreSQL: databases out of folders, on a new and a used volume."""

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

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).resolve().parents[2] / "infrastructure/data/base/start.sh"


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter; pytest's own are for their owner only."""
    made = Path("/tmp") / f"onair-start-{os.getpid()}"  # noqa: S108  short: it holds the server's socket
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)


def credentials(folder: Path, service: str, password: str) -> None:
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
        "SUPERUSER_PASSWORD": "it's",
        "DATABASES": str(folder / "databases"),
    }
    server = subprocess.Popen([*as_user, "bash", "-c", script], env=environment, cwd="/")
    try:
        yield port
    finally:
        server.send_signal(2)  # fast shutdown
        server.wait(30)


async def login(port: int, service: str, password: str) -> str:
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


async def test_databases_are_what_the_folders_say_at_every_start(folder: Path) -> None:
    credentials(folder, "catalog", "first")
    with served(folder) as port:
        assert await login(port, "catalog", "first") == "catalog"
    credentials(folder, "catalog", "second's")
    credentials(folder, "order", "third")
    with served(folder) as port:
        assert await login(port, "order", "third") == "order", "a name that SQL reserves is one like any other"
        assert await login(port, "catalog", "second's") == "catalog"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await login(port, "catalog", "first")


async def test_a_folder_that_a_mount_gave_to_the_group_is_taken_back(folder: Path) -> None:
    """What kubelet does to a volume with an fsGroup when a new pod mounts it."""
    credentials(folder, "catalog", "first")
    with served(folder) as port:
        await login(port, "catalog", "first")
    data = folder / "data/pgdata"
    for found in (data, *data.rglob("*")):
        found.chmod(0o2770 if found.is_dir() else 0o660)
    with served(folder) as port:
        assert await login(port, "catalog", "first") == "catalog"
