"""Makes the services' roles and databases on Aurora, by RDS's Data API: nobody has to reach the server's network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from onair.adapters.cloud.build import Estate
from onair.adapters.secrets_file import declared
from onair.core.cloud.databases import Login, make
from onair.core.cloud.roots import Root
from onair.core.facts import Environment
from onair.core.finding import Finding, OnairError

DATABASE = "shop"
"""The one that Aurora comes with (terraform/regional/database.tf)."""


def in_cloud(estate: Estate) -> Iterator[str]:
    """Make them in every region that was built; yields what was done.

    Raises
    ------
    OnairError
        A region is not built, its server does not answer, or a Secret is not there or not for us.
    """
    for each in estate.regions:
        for done in in_region(estate, each):
            yield f"{each.workspace}: {done}"


def in_region(estate: Estate, each: Root) -> Iterator[str]:
    """Make them in one region; see :func:`in_cloud`."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - takes a second

    facts = estate.region_facts(each)
    region = estate.facts.clusters[each.workspace].spec.cloud_region
    sql, kept = estate.place.client("rds-data", region), estate.place.client("secretsmanager", region)

    def execute(statement: str) -> list[str]:
        where = {"resourceArn": facts["databaseArn"], "secretArn": facts["masterSecret"], "database": DATABASE}
        return column(sql.execute_statement(**where, sql=statement))

    try:
        logins = [
            Login.of(json.loads(kept.get_secret_value(SecretId=facts["secrets"][secret])["SecretString"]))
            for secret in wanted(estate)
        ]
        yield from make(execute, logins)
    except (BotoCoreError, ClientError) as error:
        what, mend = f"{each.workspace}: {error}", "run it again: what was made stays, and it goes on from there"
        raise OnairError(Finding(rule="cloud/databases", what=what, mend=mend)) from error


def wanted(estate: Estate) -> list[str]:
    """Return the Secrets by which services sign in to a database, e.g. ``shop/order-db``."""
    specs = declared(estate.root, Environment.PROD)
    return [f"{each.namespace}/{each.name}" for each in specs if "PGPASSWORD" in each.keys]


def column(answer: dict[str, Any]) -> list[str]:
    """Return the first column of what the Data API answers."""
    return [row[0]["stringValue"] for row in answer.get("records", [])]
