"""Reads a region's books out of its database of order: as that service's role, in one read-only snapshot."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onair.core.finding import Finding, OnairError
from onair.core.storm.books import Books, Open

OVERDUE_SECONDS = 30
"""How long after its end a hold may still be held: the sweeper looks every second, and hands its lease on in 15 s."""
READ_SECONDS, TRIES, PAUSE_SECONDS = 60, 3, 2.0
QUIET = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")

_BOOKS = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
WITH ours AS (SELECT id, issued FROM sales WHERE starts_with(id, :'prefix')),
orders_ AS (
    SELECT key, hold, sale, quantity, minor, currency, state, (
        SELECT to_state FROM order_audit WHERE order_key = o.key ORDER BY id DESC LIMIT 1) AS audited
    FROM orders o WHERE sale IN (SELECT id FROM ours)
), holds_ AS (
    SELECT id, sale, quantity, state,
           state = 'held' AND expires_at < now() - make_interval(secs => :'overdue') AS overdue
    FROM holds WHERE sale IN (SELECT id FROM ours)
), charges_ AS (
    SELECT c.key, c.minor, c.currency, c.outcome, o.sale
    FROM provider.charges c LEFT JOIN orders o USING (key)
    WHERE c.created_at >= to_timestamp(:'since') AND (o.key IS NULL OR o.sale IN (SELECT id FROM ours))
), transfers_ AS (
    SELECT id, direction, sale, quantity, state FROM transfers WHERE sale IN (SELECT id FROM ours)
), forwarded_ AS (
    SELECT key, state FROM forwarded_orders WHERE created_at >= to_timestamp(:'since')
), available AS (
    SELECT sale, sum(available)::int AS units FROM allotments WHERE sale IN (SELECT id FROM ours) GROUP BY sale
)
SELECT json_build_object(
    'orders', (SELECT coalesce(json_agg(t), '[]') FROM orders_ t),
    'holds', (SELECT coalesce(json_agg(t), '[]') FROM holds_ t),
    'charges', (SELECT coalesce(json_agg(t), '[]') FROM charges_ t),
    'transfers', (SELECT coalesce(json_agg(t), '[]') FROM transfers_ t),
    'forwarded', (SELECT coalesce(json_agg(t), '[]') FROM forwarded_ t),
    'available', (SELECT coalesce(json_object_agg(sale, units), '{}') FROM available),
    'issued', (SELECT coalesce(json_object_agg(id, issued), '{}') FROM ours)
);
"""

_OPEN = """
BEGIN READ ONLY;
WITH ours AS (SELECT id FROM sales WHERE starts_with(id, :'prefix'))
SELECT json_build_object(
    'paying', (SELECT count(*) FROM orders WHERE state = 'paying' AND sale IN (SELECT id FROM ours)),
    'transfers', (SELECT count(*) FROM transfers WHERE state = 'sent' AND sale IN (SELECT id FROM ours)),
    'forwarded', (SELECT count(*) FROM forwarded_orders WHERE state = 'pending'),
    'outbox', (SELECT count(*) FROM outbox),
    'overdue', (
        SELECT count(*) FROM holds WHERE state = 'held' AND expires_at < now() AND sale IN (SELECT id FROM ours))
);
"""


class Bookkeeper:
    """Reads the books of one region.

    Parameters
    ----------
    psql
        The command that runs psql on the region's database of order; it reads statements from its input.
    """

    def __init__(self, region: str, psql: Sequence[str]) -> None:
        self.region, self._psql = region, list(psql)

    def books(self, prefix: str, since: float) -> Books:
        """Return all about the sales whose id begins with ``prefix``, and charges since that Unix time.

        Raises
        ------
        OnairError
            If the database cannot be read.
        """
        read = self._read(_BOOKS, prefix=prefix, since=f"{since:.3f}", overdue=str(OVERDUE_SECONDS))
        return Books.model_validate({"region": self.region, **read})

    def open(self, prefix: str) -> Open:
        """Return what is not settled; raises OnairError like `books`."""
        return Open.model_validate(self._read(_OPEN, prefix=prefix))

    def _read(self, statements: str, **variables: str) -> dict[str, Any]:
        """Ask more than once: after a storm an API server may be slow, and without its books nothing is known."""
        command = [*self._psql, *QUIET, *(f"--set={name}={value}" for name, value in variables.items())]
        why = ""
        for _ in range(TRIES):
            try:
                done = subprocess.run(
                    command, input=statements, capture_output=True, text=True, check=False, timeout=READ_SECONDS
                )
            except subprocess.TimeoutExpired:
                why = f"no answer within {READ_SECONDS} s"
                continue
            if not done.returncode:
                found: dict[str, Any] = json.loads(done.stdout)
                return found
            why = done.stderr.strip()
            time.sleep(PAUSE_SECONDS)
        what = f"{self.region}: the database of order is not read: {why}"
        raise OnairError(Finding(rule="storm/books", what=what, mend="onair status"))


def in_pod(kubectl: Path, kubeconfig: Path) -> list[str]:
    """Return the command that runs psql beside a local region's PostgreSQL, as the role of order.

    The credentials are the files that start.sh makes the role of (infrastructure/data): none leaves the pod.
    """
    script = (
        'cd /databases/order && PGHOST=127.0.0.1 PGUSER="$(<PGUSER)" PGPASSWORD="$(<PGPASSWORD)" '
        'PGDATABASE="$(<PGDATABASE)" exec psql "$@"'
    )
    pod = ["exec", "--stdin", "--namespace=data", "postgres-0", "--", "bash", "-c", script, "psql"]
    return [str(kubectl), f"--kubeconfig={kubeconfig}", *pod]
