"""One or two regions of show control on real databases."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from apps.live.tests.live_world import KEYS, Region, Server, World, free_port

from live.app import Parts, create
from live.store import Store
from onair_common import migrate, migrations
from onair_common.asgi import Lifecycle, Shell
from onair_common.settings import Settings


async def migrated(database: dict[str, Any], name: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            try:
                admin = await asyncpg.connect(**database)
                break
            except (OSError, asyncpg.PostgresError):  # the server is still starting
                await asyncio.sleep(0.1)
    await admin.execute(f"CREATE DATABASE {database['database']}_{name}")
    await admin.close()
    own = database | {"database": f"{database['database']}_{name}"}
    connection = await asyncpg.connect(**own)
    await migrate.apply(connection, migrations.load("live"))
    await connection.close()
    return own


Start = Callable[..., Any]


@pytest.fixture
async def start(region_env: dict[str, dict[str, str]], free_ports: dict[str, int]) -> AsyncIterator[Start]:
    """Start a region's live with a database; ``await start("kr", database)``."""
    running: list[tuple[Server, asyncio.Task[None]]] = []

    async def go(name: str, database: dict[str, Any], port: int | None = None) -> Region:
        other = "us" if name == "kr" else "kr"
        env = {
            "SESSION_KEYS": ",".join(KEYS),
            "PEER_KEY": "p" * 32,
            "PEERS": f"http://127.0.0.1:{free_ports[other]}",
        }
        settings = Settings.read({"SERVICE_NAME": "live", **region_env[name]})
        world, lifecycle = World(), Lifecycle()
        client = httpx.AsyncClient(transport=world)
        app = create(settings, lifecycle, Parts(client, Store(size=2, **database), lambda: datetime.now(UTC), env))
        config = uvicorn.Config(
            Shell(app, settings, lifecycle), port=port or free_ports[name], log_config=None, access_log=False, ws="none"
        )
        server = Server(config)
        running.append((server, asyncio.create_task(server.serve())))
        while not server.started:
            await asyncio.sleep(0.01)
        address = f"http://127.0.0.1:{config.port}"
        return Region(
            name, world, lifecycle, app, database, httpx.AsyncClient(base_url=address, trust_env=False, timeout=20)
        )

    yield go
    for server, task in running:
        server.should_exit = server.force_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task, 5)


@pytest.fixture
def free_ports() -> dict[str, int]:
    """Where each region's live listens; the other one is told beforehand."""
    return {"kr": free_port(), "us": free_port()}


@pytest.fixture
async def kr(start: Start, database: dict[str, Any]) -> Region:
    """Korea alone: its peer is never there."""
    region: Region = await start("kr", await migrated(database, "kr"))
    await region.until("table", lambda found: not found["stale"])
    return region


@pytest.fixture
async def both(start: Start, database: dict[str, Any]) -> tuple[Region, Region]:
    """Both regions, each current about the other."""
    regions = (
        await start("kr", await migrated(database, "kr")),
        await start("us", await migrated(database, "us")),
    )
    for region in regions:
        for show in ("table", "outdoors"):
            await region.until(show, lambda found: not found["stale"])
    return regions
