from __future__ import annotations

import asyncio
import itertools
from typing import Any

import asyncpg
import httpx
import pytest

from catalog import app
from catalog.store import Store
from onair_common import migrate, migrations
from onair_common.asgi import Lifecycle
from onair_common.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
async def migrated(database: dict[str, Any]) -> dict[str, Any]:
    connection = await asyncpg.connect(**database)
    await migrate.apply(connection, migrations.load("catalog"))
    await connection.close()
    return database


def client_of(database: dict[str, Any], env: dict[str, str]) -> httpx.AsyncClient:
    settings = Settings.read({"SERVICE_NAME": "catalog", **env})
    service = app.create(settings, Lifecycle(), Store(**database))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service), base_url="http://catalog")


async def test_many_runners_at_once_apply_each_file_once(database: dict[str, Any]) -> None:
    async def run() -> list[str]:
        connection = await asyncpg.connect(**database)
        try:
            return await migrate.apply(connection, migrations.load("catalog"))
        finally:
            await connection.close()

    applied = await asyncio.gather(*(run() for _ in range(5)))
    assert sorted(itertools.chain(*applied)) == [m.name for m in migrations.load("catalog")]


async def test_a_failing_file_leaves_the_version_before_it(database: dict[str, Any]) -> None:
    broken = migrations.parse(
        [("0001_ok.sql", "CREATE TABLE a (x int)"), ("0002_bad.sql", "CREATE TABLE b (x int); SELEKT")]
    )
    connection = await asyncpg.connect(**database)
    with pytest.raises(migrations.MigrationError, match=r"0002_bad\.sql: syntax error"):
        await migrate.apply(connection, broken)
    assert await connection.fetchval("SELECT max(version) FROM schema_migrations") == 1
    assert await connection.fetchval("SELECT to_regclass('b')") is None
    await connection.close()


async def test_not_ready_until_the_schema_is_this_versions(
    database: dict[str, Any], region_env: dict[str, dict[str, str]]
) -> None:
    client = client_of(database, region_env["kr"])
    answer = await client.get("/readyz")
    assert (answer.status_code, "schema 0" in answer.text) == (503, True)
    connection = await asyncpg.connect(**database)
    await migrate.apply(connection, migrations.load("catalog")[:1])
    assert (await client.get("/readyz")).status_code == 503
    await migrate.apply(connection, migrations.load("catalog"))
    await connection.execute("INSERT INTO schema_migrations VALUES (99, 'later', 'x')")
    assert (await client.get("/readyz")).status_code == 200, "a later release's schema serves this version too"
    await connection.close()


async def test_without_a_database_it_says_503_and_comes_back(region_env: dict[str, dict[str, str]]) -> None:
    client = client_of({"host": "127.0.0.1", "port": 1, "user": "x", "database": "x"}, region_env["kr"])
    assert (await client.get("/readyz")).status_code == 503
    answer = await client.get("/api/catalog/shows")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


async def test_languages_and_currencies(migrated: dict[str, Any], region_env: dict[str, dict[str, str]]) -> None:
    kr, us = client_of(migrated, region_env["kr"]), client_of(migrated, region_env["us"])
    shows_ko = (await kr.get("/api/catalog/shows")).json()["shows"]
    shows_en = (await us.get("/api/catalog/shows")).json()["shows"]
    assert [s["id"] for s in shows_ko] == [s["id"] for s in shows_en]
    assert len(shows_ko) == 3
    assert all(k["title"] != e["title"] for k, e in zip(shows_ko, shows_en, strict=True))
    assert (await kr.get("/api/catalog/shows?lang=en")).json()["shows"] == shows_en
    won, dollars = (await kr.get("/api/catalog/products")).json(), (await us.get("/api/catalog/products")).json()
    assert (won["currency"], dollars["currency"], len(won["products"])) == ("KRW", "USD", 12)
    for product in won["products"] + dollars["products"]:
        assert product["name"]
        assert product["variants"]
        assert all(isinstance(v["price"]["minor"], int) for v in product["variants"])


async def test_a_language_that_is_not_there_falls_back(
    migrated: dict[str, Any], region_env: dict[str, dict[str, str]]
) -> None:
    shows = (await client_of(migrated, region_env["kr"]).get("/api/catalog/shows?lang=fr")).json()["shows"]
    assert all(s["title"] for s in shows)


async def test_etag_revalidation_weak_and_strong(
    migrated: dict[str, Any], region_env: dict[str, dict[str, str]]
) -> None:
    client = client_of(migrated, region_env["kr"])
    tag = (await client.get("/api/catalog/shows")).headers["etag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}'):
        answer = await client.get("/api/catalog/shows", headers={"if-none-match": given})
        assert (answer.status_code, answer.content) == (304, b"")
    assert (await client.get("/api/catalog/shows?lang=en", headers={"if-none-match": tag})).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/catalog/shows/none", 404),
        ("/api/catalog/shows/';DROP%20TABLE%20shows;--", 404),
        ("/api/catalog/shows?lang=korean", 400),
        ("/api/catalog/products?show=%00", 400),
        ("/api/catalog/products?show=" + "x" * 500, 400),
    ],
)
async def test_bad_input_is_a_clear_4xx(
    path: str, status: int, migrated: dict[str, Any], region_env: dict[str, dict[str, str]]
) -> None:
    answer = await client_of(migrated, region_env["kr"]).get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
