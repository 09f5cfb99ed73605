"""What the document says holds: every answer to what it allows and to what it does not, by schemathesis."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
import yaml
from apps.live.tests.conftest import migrated
from apps.live.tests.live_world import KEYS, SELLER, Server, World, free_port, signed_in
from hypothesis import HealthCheck, settings
from openapi_cases import checks

from live.app import Parts, create
from live.store import Store
from onair_common.asgi import Lifecycle, Shell
from onair_common.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def address(postgres: dict[str, str], region_env: dict[str, dict[str, str]]) -> Iterator[str]:
    """A region in a thread of its own, because schemathesis is not asynchronous; its streams end at once."""
    server_database = {"host": postgres["PGHOST"], "port": int(postgres["PGPORT"]), "user": postgres["PGUSER"]}
    port, started, box = free_port(), threading.Event(), list[Server]()

    async def serve() -> None:
        database = await migrated(server_database | {"database": postgres["PGDATABASE"]}, "openapi")
        env = {"SESSION_KEYS": ",".join(KEYS), "PEER_KEY": "p" * 32}
        config = Settings.read({"SERVICE_NAME": "live", **region_env["kr"]})
        lifecycle, parts = (
            Lifecycle(),
            Parts(httpx.AsyncClient(transport=World()), Store(size=2, **database), lambda: datetime.now(UTC), env),
        )
        app = create(config, lifecycle, parts)
        app.state.api.stream_seconds = 0
        box.append(Server(uvicorn.Config(Shell(app, config, lifecycle), port=port, log_config=None, ws="none")))
        running = asyncio.create_task(box[0].serve())
        while not box[0].started:
            await asyncio.sleep(0.01)
        started.set()
        await running

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(60)
    yield f"http://127.0.0.1:{port}"
    box[0].should_exit = True
    thread.join(10)


CONTENT = yaml.safe_load((resources.files("live") / "openapi.yaml").read_text())
schema = schemathesis.openapi.from_dict(CONTENT)


def test_the_document_is_served(address: str) -> None:
    assert httpx.get(f"{address}/api/live/openapi.json", trust_env=False).json() == CONTENT


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_what_the_document_says(case: schemathesis.Case[Any], address: str) -> None:
    case.call_and_validate(base_url=address, checks=checks())
    if "show" in case.path_parameters:  # and about what there is, by who may
        case.path_parameters["show"] = "table"
        case.call_and_validate(base_url=address, checks=checks(), headers=signed_in(SELLER))
