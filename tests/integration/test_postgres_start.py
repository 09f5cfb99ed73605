"""infrastructure/data/base/start.sh against a real PostgreSQL: databases out of folders, on a new and a used volume."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from integration.postgres import credentials, login, served

pytestmark = pytest.mark.integration


async def test_databases_are_what_the_folders_say_at_every_start(volume: Path) -> None:
    credentials(volume, "catalog", "first")
    with served(volume) as port:
        assert await login(port, "catalog", "first") == "catalog"
    credentials(volume, "catalog", "second's")
    credentials(volume, "order", "third")
    with served(volume) as port:
        assert await login(port, "order", "third") == "order", "a name that SQL reserves is one like any other"
        assert await login(port, "catalog", "second's") == "catalog"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await login(port, "catalog", "first")


async def test_a_folder_that_a_mount_gave_to_the_group_is_taken_back(volume: Path) -> None:
    """What kubelet does to a volume with an fsGroup when a new pod mounts it."""
    credentials(volume, "catalog", "first")
    with served(volume) as port:
        await login(port, "catalog", "first")
    data = volume / "data/pgdata"
    for found in (data, *data.rglob("*")):
        found.chmod(0o2770 if found.is_dir() else 0o660)
    with served(volume) as port:
        assert await login(port, "catalog", "first") == "catalog"
