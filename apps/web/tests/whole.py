"""The real services of a region in one process, behind one port: catalog, live, chat, order, worker and web."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

import catalog.app
import catalog.store
import chat.app
import live.app
import live.store
import order.app
import web.app
import worker.app
from onair_common import migrate, migrations
from onair_common.asgi import Lifecycle, Shell
from onair_common.database import Database
from onair_common.identity import COOKIE, Role, Sessions, Viewer
from onair_common.settings import Settings
from onair_common.websocket import SharedFrames
from web.assets import Assets

KEY = "k" * 44
SECRETS = {"SESSION_KEYS": KEY, "PEER_KEY": "p" * 44, "PAYMENT_KEY": "c" * 44}
PEER_ROUTES = {"events": "live", "rooms": "chat"}
"""Whose the addresses below /peer/ are, by their first part; order's are all others."""


@dataclass(frozen=True)
class Shop:
    """A running region."""

    port: int
    name: str = "kr"

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://localhost:{self.port}"

    def session(self, role: Role, nickname: str) -> dict[str, Any]:
        """Return a session for a browser."""
        viewer = Viewer(("5" if role == "seller" else "1") * 32, nickname, role, int(time.time()) + 40000)
        address = self.address.replace("http:", "https:")
        flags = {"secure": True, "httpOnly": True, "sameSite": "Lax"}
        return {"name": COOKIE, "value": Sessions([KEY]).issue(viewer), "url": address, **flags}


async def _databases(server: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Make the services' databases of a region; returns asyncpg's connect arguments by service."""
    made: dict[str, dict[str, Any]] = {}
    admin = await asyncpg.connect(**server, database="postgres")
    for package in ("catalog", "live", "order"):
        database = f"whole_{name}_{package}_{time.monotonic_ns()}"
        await admin.execute(f'CREATE DATABASE "{database}"')
        made[package] = {**server, "database": database}
        connection = await asyncpg.connect(**made[package])
        await migrate.apply(connection, migrations.load(package))
        await connection.close()
    await admin.close()
    return made


def _services(env: Mapping[str, str], databases: Mapping[str, dict[str, Any]], player: Path) -> dict[str, Starlette]:
    def settings(name: str) -> Settings:
        return Settings.read({**env, "SERVICE_NAME": name, "HOSTNAME": f"{name}-1"})

    life = Lifecycle()
    parts = live.app.Parts(store=live.store.Store(size=2, **databases["live"]), env=env)
    db = [Database(4, **databases["order"]) for _ in range(2)]
    return {
        "catalog": catalog.app.create(settings("catalog"), life, catalog.store.Store(**databases["catalog"])),
        "live": live.app.create(settings("live"), life, parts),
        "chat": chat.app.create(settings("chat"), life, env),
        "order": order.app.create(settings("order"), life, env, db[0]),
        "worker": worker.app.create(settings("worker"), life, env, db[1]),
        "web": web.app.create(settings("web"), life, httpx.AsyncClient(trust_env=False), Assets(player)),
    }


@asynccontextmanager
async def _running(services: Mapping[str, Starlette]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for service in services.values():
            await stack.enter_async_context(service.router.lifespan_context(service))
        yield


@contextmanager
def region(
    env: dict[str, str],
    server: Mapping[str, Any],
    player: Path,
    monkeypatch: pytest.MonkeyPatch,
    port: int = 0,
) -> Iterator[Shop]:
    """Run a region until the end of the block; ``env`` is what the cluster's facts and Secrets say."""
    config = uvicorn.Config(
        _nothing, host="127.0.0.1", port=port, log_config=None, lifespan="off", ws=SharedFrames,
        ws_per_message_deflate=False,
    )  # fmt: skip
    config.load()
    listener = config.bind_socket()
    port = int(listener.getsockname()[1])
    base = f"http://127.0.0.1:{port}"
    env |= {f"{name}_URL": base for name in ("CATALOG", "LIVE", "ORDER")}
    env |= SECRETS | {"HOLD_SECONDS": "60"}
    env |= {"CALLBACK_URL": f"{base}/api/order/payments/callback"}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    # All services share one thread here: on a busy machine the first page is late by itself.
    monkeypatch.setattr("web.backends.PATIENCE_SECONDS", 10)
    uvicorn_server, up, failed = uvicorn.Server(config), threading.Event(), list[BaseException]()

    async def serve() -> None:
        try:
            services = _services(env, await _databases(server, env["REGION"]), player)
            shells = {
                name: Shell(service, Settings.read({**env, "SERVICE_NAME": name}), Lifecycle())
                for name, service in services.items()
            }

            async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
                kind, name = [*scope["path"].split("/")[1:3], ""][:2]
                wanted = {"api": name, "peer": PEER_ROUTES.get(name, "order")}.get(kind, "web")
                await shells.get(wanted, shells["web"])(scope, receive, send)

            config.loaded_app = gateway
            async with _running(services):
                up.set()
                await uvicorn_server.serve([listener])
        except BaseException as error:  # told in the test's own thread
            failed.append(error)
            up.set()
            raise

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    with ExitStack() as stack:
        stack.callback(listener.close)
        stack.callback(thread.join, 20)
        stack.callback(setattr, uvicorn_server, "force_exit", True)
        stack.callback(setattr, uvicorn_server, "should_exit", True)
        if not up.wait(30) or failed:
            raise RuntimeError("the region did not start") from (failed[0] if failed else None)
        yield Shop(port, env["REGION"])


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError
