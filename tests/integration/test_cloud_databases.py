"""The services' roles and databases, made on a real PostgreSQL by a master who is no superuser, as on Aurora."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from integration.postgres import SUPERUSER_PASSWORD, credentials, login, served

from onair.adapters import facts_file
from onair.adapters.cloud import databases as adapter
from onair.adapters.cloud.build import Estate
from onair.core.cloud.databases import Login, make, name, verifier
from onair.core.cloud.roots import Root
from onair.core.finding import OnairError

pytestmark = pytest.mark.integration
MASTER, MASTER_ARN = "onair", "arn:master"
LOGINS = [Login("catalog", "first", "catalog"), Login("order", 'it\'s "quoted"; --', "order")]
REGION = Root("regional", "prod-kr")


class Server:
    """A PostgreSQL, and its master's connection, as the Data API has one: every statement by itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, master: asyncpg.Connection) -> None:
        self._loop, self.port, self._master = loop, port, master
        self.said: list[str] = []

    def execute(self, statement: str) -> list[str]:
        """Run it and return the first column."""
        self.said.append(statement)
        return [row[0] for row in self._loop.run_until_complete(self._master.fetch(statement))]

    def owner(self, who: Login) -> str:
        """Sign in, use the database, and say whose it is."""
        return self._loop.run_until_complete(login(self.port, who.user, who.password))


@pytest.fixture
def server(volume: Path) -> Iterator[Server]:
    """One with a master who may make roles and databases, and nothing else."""
    credentials(volume, "first", "first")
    loop = asyncio.new_event_loop()
    with served(volume) as port:
        loop.run_until_complete(login(port, "first", "first"))  # it is up
        master = loop.run_until_complete(_master(port))
        yield Server(loop, port, master)
        loop.run_until_complete(master.close())
    loop.close()


async def _master(port: int) -> asyncpg.Connection:
    where: dict[str, Any] = {"host": "127.0.0.1", "port": port, "database": "postgres"}
    superuser = await asyncpg.connect(user="postgres", password=SUPERUSER_PASSWORD, **where)
    await superuser.execute(
        f"CREATE ROLE {MASTER} LOGIN CREATEDB CREATEROLE PASSWORD '{SUPERUSER_PASSWORD.replace(chr(39), chr(39) * 2)}'"
    )
    await superuser.close()
    return await asyncpg.connect(user=MASTER, password=SUPERUSER_PASSWORD, **where)


def test_services_sign_in_and_own_their_database(server: Server) -> None:
    done = list(make(server.execute, LOGINS))
    assert [server.owner(each) for each in LOGINS] == ["catalog", "order"]
    assert done == [f"{what}" for each in LOGINS for what in _all(each)]
    assert not [each for each in server.said if "quoted" in each], "the server was told a password"


def test_again_it_makes_nothing_and_sets_new_passwords(server: Server) -> None:
    list(make(server.execute, LOGINS))
    changed = [Login("catalog", "second", "catalog"), LOGINS[1]]
    assert list(make(server.execute, changed)) == [f"password of {each.user} set" for each in LOGINS]
    assert server.owner(changed[0]) == "catalog"
    with pytest.raises(asyncpg.InvalidPasswordError):
        server.owner(LOGINS[0])


def test_it_goes_on_where_it_was_stopped(server: Server) -> None:
    done = make(server.execute, LOGINS)
    assert [next(done), next(done)] == ["role catalog made", "password of catalog set"]
    done.close()
    assert "database catalog made" in list(make(server.execute, LOGINS))
    assert [server.owner(each) for each in LOGINS] == ["catalog", "order"]


def _all(each: Login) -> list[str]:
    return [f"role {each.user} made", f"password of {each.user} set", f"database {each.database} made"]


@given(st.text(min_size=1))
def test_a_name_is_quoted_whatever_it_is(text: str) -> None:
    quoted = name(text)
    assert (quoted[0], quoted[-1]) == ('"', '"')
    assert quoted[1:-1].replace('""', "").count('"') == 0
    assert quoted[1:-1].replace('""', '"') == text


@pytest.mark.parametrize("password", ["", "\u00e9", "a\nb"])
def test_a_password_that_postgresql_would_keep_in_another_form_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        verifier(password)


# --- by way of RDS and Secrets Manager


class DataApi:
    """RDS's Data API over the real server; what it answers and refuses is as botocore has it."""

    def __init__(self, execute: Callable[[str], list[str]]) -> None:
        self._execute = execute

    def execute_statement(self, *, resourceArn: str, secretArn: str, database: str, sql: str) -> dict[str, Any]:
        assert (resourceArn, secretArn, database) == ("arn:cluster", MASTER_ARN, "shop")
        return {"records": [[{"stringValue": each}] for each in self._execute(sql)]}


class Kept:
    """Secrets Manager with a value for each name."""

    def __init__(self, held: dict[str, Login]) -> None:
        self._held = held

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:
        if SecretId not in self._held:
            told = {"Error": {"Code": "ResourceNotFoundException", "Message": f"can't find {SecretId}"}}
            raise ClientError(cast("Any", told), "GetSecretValue")
        values = dict(zip(("PGUSER", "PGPASSWORD", "PGDATABASE"), self._held[SecretId], strict=True))
        return {"SecretString": json.dumps(values | {"PGPORT": "5432"})}


def estate(root: Path, server: Server, held: dict[str, Login]) -> Estate:
    """What is built in one region."""
    names = {
        secret: f"prefix-{secret.replace('/', '-')}"
        for secret in adapter.wanted(cast("Estate", SimpleNamespace(root=root)))
    }
    clients = {
        "rds-data": DataApi(server.execute),
        "secretsmanager": Kept({names[key]: value for key, value in held.items()}),
    }
    facts = {"databaseArn": "arn:cluster", "masterSecret": MASTER_ARN, "secrets": names}
    found = SimpleNamespace(
        root=root,
        regions=[REGION],
        facts=facts_file.read(root),
        region_facts=lambda _: facts,
        place=SimpleNamespace(client=lambda service, _: clients[service]),
    )
    return cast("Estate", found)


def test_every_service_with_a_database_gets_it(root: Path, server: Server) -> None:
    held = {f"shop/{each}-db": Login(each, f"of {each}", each) for each in ("catalog", "live", "order")}
    built = estate(root, server, held)
    assert adapter.wanted(built) == list(held)
    done = list(adapter.in_cloud(built))
    assert done == [f"prod-kr: {what}" for each in held.values() for what in _all(each)]
    assert [server.owner(each) for each in held.values()] == ["catalog", "live", "order"]


def test_a_secret_that_is_not_there_is_named_and_nothing_is_made(root: Path, server: Server) -> None:
    built = estate(root, server, {"shop/catalog-db": LOGINS[0]})
    with pytest.raises(OnairError) as told:
        list(adapter.in_cloud(built))
    assert "prefix-shop-live-db" in told.value.findings[0].what
    assert server.said == []
