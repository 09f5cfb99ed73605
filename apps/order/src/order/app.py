"""HTTP interface for viewers and sellers, and for the payment provider's callbacks."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onair_common import migrations
from onair_common.access_record import record
from onair_common.asgi import Lifecycle, health_routes
from onair_common.database import AWAY, Database
from onair_common.identity import Viewer
from onair_common.openapi import BadBody, Document, read_bounded, refuse
from onair_common.peer import PeerAway
from onair_common.settings import Settings
from onair_common.upstream import Unavailable
from order import forwarding, orders, outbox, payment, peer_api, stock
from order.context import Context
from order.holds import Hold, Wanted
from order.keys import fingerprint, home_of
from order.orders import Actor, Asked
from order.words import refusal

_ID = re.compile(r"[a-z0-9-]{1,40}\Z")
LONGEST_SALE = timedelta(days=30)
_log = structlog.get_logger("order")
Handler = Callable[[Request, Viewer], Awaitable[Response]]


class Refused(Exception):
    """A request is refused for the reason of this code (`order.words`)."""


def held(hold: Hold) -> JSONResponse:
    """Return the answer to who got a hold."""
    amount = {"minor": hold.minor, "currency": hold.currency}
    return JSONResponse({"hold": hold.id, "expiresAt": hold.expires_at.isoformat(), "amount": amount}, 201)


class Api:
    """The handlers; each takes a request and the viewer whose session it carries."""

    def __init__(self, context: Context, document: Document) -> None:
        self.context, self.document = context, document

    def route(self, path: str, handler: Handler, *, method: str = "GET", sellers: bool = False) -> Route:
        """Return a route for signed-in viewers; what changes something needs the session's token."""

        async def endpoint(request: Request) -> Response:
            viewer = self.context.sessions.of(request)
            if viewer is None:
                raise Refused("sign-in")
            if method != "GET" and not self.context.sessions.csrf_valid(viewer, request.headers.get("x-csrf-token")):
                raise Refused("csrf")
            if sellers and viewer.role != "seller":
                raise Refused("sellers-only")
            return await handler(request, viewer)

        return Route(path, endpoint, methods=[method])

    def key(self, request: Request) -> str:
        """Return the idempotency key of a request; refuses one that is none of these regions'."""
        key = request.headers.get("idempotency-key", "")
        if home_of(key) not in {self.context.region, self.context.settings.peer_region}:
            raise Refused("bad-key")
        return key

    async def hold(self, request: Request, viewer: Viewer) -> Response:
        """Hold stock for a viewer."""
        key, body = self.key(request), await self.document.body(request, "placeHold")
        if home_of(key) != self.context.region:
            return await forwarding.hold(self.context, key, viewer.id, body)
        wanted = Wanted(key, body["sale"], body["sku"], body["quantity"], viewer.id, fingerprint(viewer.id, body))
        answer = await self.context.holds.place(wanted)
        record(request, viewer.id, "hold.place", key, answer if isinstance(answer, str) else "ok")
        if isinstance(answer, str):
            raise Refused(answer)
        return held(answer)

    async def order(self, request: Request, viewer: Viewer) -> Response:
        """Turn a hold into an order."""
        key, body = self.key(request), await self.document.body(request, "placeOrder")
        if home_of(key) != home_of(body["hold"]):
            raise Refused("bad-key")
        if home_of(key) != self.context.region:
            return await forwarding.order(self.context, key, viewer.id, body)
        asked = Asked(key, body["hold"], body["payment"]["token"], viewer.id, fingerprint(viewer.id, body))
        actor = Actor(viewer.id, f"api {self.context.region}/{self.context.settings.pod}")
        async with self.context.db.transaction() as connection:
            answer = await orders.place(connection, asked, actor)
        record(request, viewer.id, "order.place", key, answer if isinstance(answer, str) else "ok")
        if isinstance(answer, str):
            raise Refused(answer)
        return JSONResponse(orders.shown(answer, self.context.region), 202)

    async def find(self, request: Request, viewer: Viewer) -> Response:
        """Show a viewer's own order, wherever it is at home."""
        key = request.path_params["key"]
        home = home_of(key)
        if home == self.context.settings.peer_region:
            return await forwarding.find(self.context, key, viewer.id)
        found = await orders.find(self.context.db, key, viewer.id, self.context.region) if home else None
        if found is None:
            raise Refused("unknown")
        return JSONResponse(found, headers={"cache-control": "no-store"})

    async def mine(self, _: Request, viewer: Viewer) -> Response:
        """List a viewer's orders of both regions; says when the other one could not be asked."""
        own = await orders.of_viewer(self.context.db, viewer.id, self.context.region)
        theirs = await forwarding.of_viewer(self.context, viewer.id)
        found = sorted([*own, *(theirs or [])], key=lambda o: str(o["createdAt"]), reverse=True)
        return JSONResponse({"orders": found, "complete": theirs is not None}, headers={"cache-control": "no-store"})

    async def open_sale(self, request: Request, viewer: Viewer) -> Response:
        """Open a sale with stock for each region, at this region's price here and the other's there."""
        body = await self.document.body(request, "openSale")
        context, quantity, closes = self.context, body["quantity"], _instant(body["closes"])
        regions = {context.region, context.settings.peer_region}
        if (
            closes is None
            or not timedelta() < closes - datetime.now(UTC) < LONGEST_SALE
            or not quantity.keys() <= regions
        ):
            raise Refused("bad-sale")
        price = await context.price(body["show"], body["sku"])
        if price is None:
            raise Refused("unknown-product")
        issued = sum(quantity.values())
        ids = (body["sale"], body["show"], body["sku"])
        sale = stock.Sale(*ids, context.region, issued, closes, price.minor, price.currency)
        async with context.db.transaction() as connection:
            opened = await stock.issue(connection, sale, context.region, quantity)
        record(request, viewer.id, "sale.open", sale.id, "ok" if opened else "other-sale")
        if not opened:
            raise Refused("other-sale")
        return JSONResponse((await stock.sales(context.db, context.region, sale.id))[0], 201)

    async def close_sale(self, request: Request, viewer: Viewer) -> Response:
        """Close a sale here at once, and in the other region as soon as it hears of it."""
        sale = _id(request.path_params["sale"])
        async with self.context.db.transaction() as connection:
            closed = await stock.close(connection, sale)
            if closed:
                await outbox.put(connection, "sale-closed", {"sale": sale})
        record(request, viewer.id, "sale.close", sale, "unknown" if closed is None else "ok")
        return await self._sale(sale)

    async def sale(self, request: Request) -> Response:
        """Show a sale as it is in this region."""
        return await self._sale(_id(request.path_params["sale"]))

    async def _sale(self, sale: str) -> Response:
        found = await stock.sales(self.context.db, self.context.region, sale)
        if not found:
            raise Refused("unknown")
        return JSONResponse(found[0], headers={"cache-control": "no-store"})

    async def sales(self, request: Request) -> Response:
        """List a show's sales in this region."""
        show = _id(request.path_params["show"])
        found = await stock.sales(self.context.db, self.context.region, show=show)
        return JSONResponse({"sales": found}, headers={"cache-control": "no-store"})

    async def figures(self, request: Request, _: Viewer) -> Response:
        """Return a show's figures of this region for its seller."""
        show = _id(request.path_params["show"])
        found = await stock.figures(self.context.db, self.context.region, show)
        found["revenue"]["currency"] = self.context.settings.currency
        return JSONResponse(found, headers={"cache-control": "no-store"})

    async def callback(self, request: Request) -> Response:
        """Take the provider's event down, once; worker lets it take effect."""
        raw = await read_bounded(request)
        if not payment.signed(self.context.callback_key, raw, request.headers.get(payment.SIGNATURE, "")):
            record(request, "provider", "payment.callback", "", "forged")
            raise Refused("sign-in")
        body = self.document.read(raw, "paymentCallback")
        async with self.context.db.transaction() as connection:
            fresh = await connection.fetchval(
                "INSERT INTO callbacks (event, order_key, outcome) VALUES ($1, $2, $3)"
                " ON CONFLICT DO NOTHING RETURNING true",
                *(body["event"], body["order"], body["outcome"]),
            )
            if fresh:
                await outbox.put(connection, "callback", {"key": body["order"], "outcome": body["outcome"]})
        record(request, "provider", "payment.callback", body["order"], "ok" if fresh else "again")
        return Response(status_code=204)


def _id(text: str) -> str:
    if not _ID.match(text):
        raise Refused("unknown")
    return text


def _instant(text: str) -> datetime | None:
    """Return a moment with its zone; None for one that no calendar has (the schema allows a leap second)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def create(
    settings: Settings,
    lifecycle: Lifecycle,
    env: Mapping[str, str] = os.environ,
    db: Database | None = None,
    client: httpx.AsyncClient | None = None,
) -> Starlette:
    """Build the service; the database is asked for at first use."""
    context = Context.read(settings, env, db, client)
    document = Document.of("order")
    api = Api(context, document)

    async def refused(request: Request, error: Exception) -> Response:
        return refusal(request, str(error), settings.language)

    async def away(request: Request, error: Exception) -> Response:
        _log.warning("away", error=repr(error))
        return refusal(request, "away", settings.language)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await context.client.aclose()
        await context.db.close()

    handlers: dict[Any, Any] = {Refused: refused, BadBody: refuse, PeerAway: away, Unavailable: away}
    return Starlette(
        routes=[
            # First, because routes are tried in turn, and nothing else is asked for as often.
            api.route("/api/order/holds", api.hold, method="POST"),
            api.route("/api/order/sales", api.open_sale, method="POST", sellers=True),
            api.route("/api/order/sales/{sale}/close", api.close_sale, method="POST", sellers=True),
            Route("/api/order/sales/{sale}", api.sale),
            Route("/api/order/shows/{show}/sales", api.sales),
            api.route("/api/order/shows/{show}/figures", api.figures, sellers=True),
            api.route("/api/order/orders", api.order, method="POST"),
            api.route("/api/order/orders", api.mine),
            api.route("/api/order/orders/{key}", api.find),
            Route("/api/order/payments/callback", api.callback, methods=["POST"]),
            document.route("/api/order/openapi.json"),
            *peer_api.routes(context),
            *health_routes(lifecycle, context.db.ready(len(migrations.load("order")))),
        ],
        exception_handlers=handlers | dict.fromkeys(AWAY, away),
        lifespan=lifespan,
    )
