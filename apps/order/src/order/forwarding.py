"""Requests whose key is at home in the other region: it decides; while it is away, the answer is "pending".

An order is remembered meanwhile, and handed over by worker: it is never carried out here, so it is paid once at most.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
from starlette.responses import JSONResponse, Response

from onair_common.peer import PeerAway
from onair_common.refusals import COMMON, Refused
from order import outbox
from order.context import Context
from order.keys import fingerprint
from order.words import WORDS


def _relayed(answer: httpx.Response) -> Response:
    """Pass the home region's answer on; what it refuses is refused here, in the viewer's language."""
    if answer.status_code >= 400:
        code = answer.json().get("code")
        raise Refused(code if code in WORDS or code in COMMON else "away")
    media = answer.headers.get("content-type", "application/json")
    return Response(answer.content, answer.status_code, {"cache-control": "no-store"}, media)


def _pending(name: str, key: str) -> Response:
    return JSONResponse({name: key, "state": "pending"}, 202, {"cache-control": "no-store", "retry-after": "1"})


async def hold(context: Context, key: str, viewer: str, body: dict[str, Any]) -> Response:
    """Let the home region hold; nothing is remembered for it, since a hold that nobody got expires by itself."""
    try:
        return _relayed(await context.peer.post("/peer/holds", {"key": key, "viewer": viewer, "body": body}))
    except PeerAway:
        return _pending("hold", key)


async def order(context: Context, key: str, viewer: str, body: dict[str, Any], origin: str) -> Response:
    """Let the home region order, now or as soon as it answers; see `find` for what became of it."""
    asked = fingerprint(viewer, body)
    known = await context.db.fetch("SELECT fingerprint, state FROM forwarded_orders WHERE key = $1", key)
    if known and known[0]["fingerprint"] != asked:
        raise Refused("other-body")
    try:
        return _relayed(await context.peer.post("/peer/orders", _message(key, viewer, body, origin)))
    except PeerAway:
        async with context.db.transaction() as connection:
            fresh = await connection.fetchval(
                "INSERT INTO forwarded_orders (key, viewer, body, fingerprint, origin)"
                " VALUES ($1, $2, $3::jsonb, $4, $5) ON CONFLICT DO NOTHING RETURNING true",
                *(key, viewer, json.dumps(body), asked, origin),
            )
            if fresh:
                await outbox.put(connection, "forward", {"key": key})
        return _pending("order", key)


def _message(key: str, viewer: str, body: dict[str, Any], origin: str) -> dict[str, Any]:
    return {"key": key, "viewer": viewer, "body": body, "origin": origin}


async def find(context: Context, key: str, viewer: str) -> Response:
    """Ask the home region for an order; what it refused after it had been accepted here shows as cancelled."""
    for last in (False, True):
        try:
            answer = await context.peer.get(f"/peer/orders/{key}?viewer={viewer}")
        except PeerAway:
            return _pending("order", key)
        if answer.status_code != 404:
            break
        rows = await context.db.fetch(
            "SELECT state, created_at FROM forwarded_orders WHERE key = $1 AND viewer = $2", key, viewer
        )
        if not rows:
            break
        state = rows[0]["state"]
        if state == "pending":
            return _pending("order", key)
        if state == "refused" or last:
            body = {"order": key, "state": "cancelled", "createdAt": rows[0]["created_at"].isoformat()}
            return JSONResponse(body, headers={"cache-control": "no-store"})
        # Handed over after it had been asked for: it is there now, and no cancelled order is paid later.
    return _relayed(answer)


async def of_viewer(context: Context, viewer: str) -> list[dict[str, Any]] | None:
    """Return a viewer's orders of the other region; None when it could not be asked."""
    try:
        answer = await context.peer.get(f"/peer/orders?viewer={viewer}")
    except PeerAway:
        return None
    found: list[dict[str, Any]] = answer.json()["orders"] if answer.status_code == 200 else []
    return found


async def hand_over(context: Context, key: str) -> None:
    """Give a remembered order to its home region.

    Raises
    ------
    onair_common.peer.PeerAway
        When that is away still.
    """
    rows = await context.db.fetch(
        "SELECT viewer, body, origin FROM forwarded_orders WHERE key = $1 AND state = 'pending'", key
    )
    if not rows:
        return
    message = _message(key, rows[0]["viewer"], json.loads(rows[0]["body"]), rows[0]["origin"])
    answer = await context.peer.post("/peer/orders", message)
    state = "accepted" if answer.status_code == 202 else "refused"
    await context.db.fetch("UPDATE forwarded_orders SET state = $2 WHERE key = $1", key, state)


async def pending(context: Context, seconds: float) -> list[str]:
    """Return remembered orders that nobody tried to hand over for so long, and count them as tried now."""
    rows = await context.db.fetch(
        "UPDATE forwarded_orders SET tried_at = now() WHERE state = 'pending'"
        " AND tried_at < now() - make_interval(secs => $1) RETURNING key",
        seconds,
    )
    return [row["key"] for row in rows]
