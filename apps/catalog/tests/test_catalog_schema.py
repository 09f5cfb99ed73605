"""Whatever the document allows or forbids, the catalogue answers as it says, and never with a 5xx."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest
from openapi_cases import judge, operations, reader
from threaded_loop import Loop

from catalog import app
from catalog.store import Store
from onair_common import migrate, migrations
from onair_common.asgi import Lifecycle
from onair_common.settings import Settings

pytestmark = pytest.mark.integration
OPERATIONS = operations("catalog")


async def _migrate(database: dict[str, Any]) -> None:
    connection = await asyncpg.connect(**database)
    await migrate.apply(connection, migrations.load("catalog"))
    await connection.close()


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_answers_are_what_the_document_says(
    label: str, database: dict[str, Any], region_env: dict[str, dict[str, str]], loop_in_thread: Loop
) -> None:
    loop_in_thread(_migrate(database))
    store = Store(**database)
    service = app.create(Settings.read({"SERVICE_NAME": "catalog", **region_env["kr"]}), Lifecycle(), store)
    transport = httpx.ASGITransport(service, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://catalog")
    try:
        seen = judge(OPERATIONS[label], reader(client, loop_in_thread), {"show": ["seoul-table"]})
        assert {200, 400} <= seen
    finally:
        loop_in_thread(store.close())
