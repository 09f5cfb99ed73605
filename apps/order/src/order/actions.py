"""What viewers may have done, by themselves or through the other region: hold, and order."""

from __future__ import annotations

from typing import Any

import asyncpg
from starlette.responses import JSONResponse

from onair_common.refusals import Refused
from order import orders
from order.context import Context
from order.holds import Wanted
from order.keys import fingerprint
from order.orders import Actor, Asked

Body = dict[str, Any]


async def hold(context: Context, key: str, viewer: str, body: Body) -> JSONResponse:
    """Hold stock of this region for a viewer; raises `Refused`."""
    wanted = Wanted(key, body["sale"], body["sku"], body["quantity"], viewer, fingerprint(viewer, body))
    answer = await context.holds.place(wanted)
    if isinstance(answer, str):
        raise Refused(answer)
    amount = {"minor": answer.minor, "currency": answer.currency}
    return JSONResponse({"hold": answer.id, "expiresAt": answer.expires_at.isoformat(), "amount": amount}, 201)


async def order(context: Context, key: str, viewer: str, body: Body, origin: str) -> JSONResponse:
    """Turn a hold of this region into an order; raises `Refused`.

    Parameters
    ----------
    origin : str
        From where the viewer asks, for the audit: a network, and the region that took the request.
    """
    asked = Asked(key, body["hold"], body["payment"]["token"], viewer, fingerprint(viewer, body))
    actor = Actor(viewer, f"{origin}, {context.region}/{context.settings.pod}")
    try:
        answer = await _place(context, asked, actor)
    except asyncpg.UniqueViolationError:
        # The same key for another hold at the same moment: now it is known.
        answer = await _place(context, asked, actor)
    if isinstance(answer, str):
        raise Refused(answer)
    return JSONResponse(orders.shown(answer, context.region), 202)


async def _place(context: Context, asked: Asked, actor: Actor) -> asyncpg.Record | orders.Refusal:
    async with context.db.transaction() as connection:
        return await orders.place(connection, asked, actor)
